namespace Bitis.Quantization.Estimators;

/// <summary>The settings of an estimator of ranges that has none.</summary>
public sealed record NoEstimatorSettings : EstimatorSettings;
