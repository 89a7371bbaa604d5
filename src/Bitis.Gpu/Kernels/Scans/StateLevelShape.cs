namespace Bitis.Gpu.Kernels.Scans;

/// <summary>What the text of a scan in integers depends on, the same in both directions.</summary>
/// <param name="Groups">The groups of tokens with scales of their own.</param>
/// <param name="IsBeforeSoftplus">Whether levels are those of Δ before its softplus.</param>
/// <param name="DeltaMaxLevel">The largest level of Δ.</param>
/// <param name="BShift">How far levels of B are moved to the left.</param>
/// <param name="BMaxLevel">The largest level of B; the lowest is its opposite.</param>
/// <param name="CMaxLevel">The largest level of C.</param>
/// <param name="HiddenShift">The lower bits of a state that are 0.</param>
internal sealed record StateLevelShape(
    int Groups, bool IsBeforeSoftplus, int DeltaMaxLevel, int BShift, int BMaxLevel, int CMaxLevel, int HiddenShift);
