namespace Bitis.Kernels.Scan;

/// <summary>The operands of <see cref="IntegerScanGradient"/>.</summary>
internal unsafe struct IntegerScanGradientCall
{
    /// <summary>The scan.</summary>
    public ScanGradientTables Tables;

    /// <summary>Scratch memory, <see cref="IntegerScanGradient.ScratchLength"/> elements.</summary>
    public float* Scratch;

    /// <summary>The operands of the scan; its target is not used.</summary>
    public IntegerScanCall Forward;

    /// <summary>The gradients of values; null for those that are not needed.</summary>
    public ScanGradients Gradients;

    /// <summary>
    /// The sums of the scales' gradients, which are added to, in the layout of <see cref="ScanSums"/>.
    /// </summary>
    public float* Sums;
}
