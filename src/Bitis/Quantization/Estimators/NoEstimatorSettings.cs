namespace Bitis.Quantization.Estimators;

/// <summary>The settings of an estimator of ranges that has none.</summary>
internal sealed record NoEstimatorSettings : EstimatorSettings;
