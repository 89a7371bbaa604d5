namespace Bitis.Quantization.Estimators;

/// <summary>The settings of a range estimator that has none.</summary>
internal sealed record NoEstimatorSettings : EstimatorSettings;
