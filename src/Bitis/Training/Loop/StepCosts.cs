namespace Bitis.Training.Loop;

/// <summary>What a step of a training costs.</summary>
/// <param name="Seconds">Its time.</param>
/// <param name="Bytes">The memory for values, gradients, weights and what the optimizer keeps of them.</param>
internal readonly record struct StepCosts(double Seconds, long Bytes);
