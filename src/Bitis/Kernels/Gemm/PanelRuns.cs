namespace Bitis.Kernels.Gemm;

/// <summary>How the groups of k of a panel fall into runs whose sums of products fit 16 bits.</summary>
/// <remarks>
/// A 16-bit sum adds products a·w of unsigned bytes a. Let it start at −128·Σw, with Σ over its run. Then it ends at
/// Σ(a − 128)·w, which fits 16 bits for any a if Σ|w| ≤ 255. A run ends before the group that breaks this for one of
/// the panel's columns. Adding 128·Σw over all runs gives the sum of products again.
/// </remarks>
internal unsafe struct PanelRuns
{
    /// <summary>What is subtracted from activations, so that they are as far from zero on both sides.</summary>
    public const int ZeroPoint = 128;

    /// <summary>The largest Σ|w| of a run: 128·255 fits 16 bits.</summary>
    public const short MaxMagnitude = 255;

    /// <summary>How many groups of k each run has, at least 1.</summary>
    public int* Lengths;

    /// <summary><c>[runs, 2·columns]</c>: what the 16-bit sums of each run start at.</summary>
    public short* Starts;

    /// <summary><c>[columns]</c>: what the int32 sums of a panel start at.</summary>
    public int* Corrections;
}
