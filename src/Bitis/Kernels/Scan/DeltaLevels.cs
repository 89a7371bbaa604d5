using Bitis.Kernels.Rounding;

namespace Bitis.Kernels.Scan;

/// <summary>
/// How the kernels find the level of Δ: q = clamp(round((v − lowest)·(1/s)), 0, max), of x or of softplus(x).
/// </summary>
/// <param name="IsBeforeSoftplus">Whether v is x; else softplus(x).</param>
/// <param name="Lowest">The value of level 0.</param>
/// <param name="Scale">s.</param>
/// <param name="InverseScale">1/s, in float32.</param>
/// <param name="MaxLevel">The largest level.</param>
internal readonly record struct DeltaLevels(
    bool IsBeforeSoftplus, float Lowest, float Scale, float InverseScale, int MaxLevel)
{
    /// <summary>The level of v; 0 for NaN.</summary>
    public int Of(float value) => (int)Levels.Limit(MathF.Round((value - Lowest) * InverseScale), 0, MaxLevel);
}
