namespace Bitis.Gpu.Kernels;

/// <summary>What the text that turns values into levels depends on.</summary>
/// <param name="MaxLevel">The largest level.</param>
/// <param name="HasFactors">Whether columns are multiplied by factors first, the other half of a smoothing.</param>
internal sealed record LevelShape(int MaxLevel, bool HasFactors = false);
