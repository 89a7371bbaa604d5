namespace Bitis.Kernels.Scan;

/// <summary>The operands of <see cref="IntegerScanGradient"/>.</summary>
internal unsafe struct IntegerScanGradientCall
{
    /// <summary>The scan.</summary>
    public ScanGradientTables Tables;

    /// <summary>Scratch memory, <see cref="IntegerScanGradient.ScratchLength"/> elements.</summary>
    public float* Scratch;

    /// <summary>What the scan read; its target is not touched.</summary>
    public IntegerScanCall Forward;

    /// <summary>The gradients of values; targets that nobody needs are null.</summary>
    public ScanGradients Gradients;

    /// <summary>Where the gradients of the scales are added to, as <see cref="ScanSums"/> lays them out.</summary>
    public float* Sums;
}
