using Bitis.Quantization.Estimators;

namespace Bitis.Quantization.Recipes;

/// <summary>A range estimator that a recipe names.</summary>
/// <param name="Name">Its name: one of <see cref="RangeEstimatorKind.Names"/>.</param>
/// <param name="Settings">Its settings; null for the usual ones.</param>
public sealed record EstimatorChoice(string Name, EstimatorSettings? Settings = null);
