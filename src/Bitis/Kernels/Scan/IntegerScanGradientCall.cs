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

    /// <summary>Where the gradients of the scales are added to, as <see cref="ScanSums"/> lays them out.</summary>
    public float* Sums;
}
