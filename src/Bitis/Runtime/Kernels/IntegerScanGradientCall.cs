namespace Bitis.Runtime.Kernels;

/// <summary>The operands of <see cref="IntegerScanGradient"/>: those of the scan, and gradients, rows in the order of memory.</summary>
internal unsafe struct IntegerScanGradientCall
{
    /// <summary>What the scan read; its target is not touched.</summary>
    public IntegerScanCall Forward;

    /// <summary>∂L/∂y <c>[L, E]</c>.</summary>
    public float* OutputGradient;

    /// <summary>The distance of rows of <see cref="OutputGradient"/>.</summary>
    public nint OutputGradientStride;

    /// <summary>∂L/∂u <c>[L, E]</c>; null if nobody needs it, as the following ones.</summary>
    public float* UGradient;

    /// <summary>The distance of rows of <see cref="UGradient"/>.</summary>
    public nint UGradientStride;

    /// <summary>Add to what <see cref="UGradient"/> holds.</summary>
    public bool AccumulateU;

    /// <summary>∂L/∂ Δ before its softplus, <c>[L, E]</c>.</summary>
    public float* DeltaGradient;

    /// <summary>The distance of rows of <see cref="DeltaGradient"/>.</summary>
    public nint DeltaGradientStride;

    /// <summary>∂L/∂B <c>[L, N]</c>.</summary>
    public float* BGradient;

    /// <summary>The distance of rows of <see cref="BGradient"/>.</summary>
    public nint BGradientStride;

    /// <summary>∂L/∂C <c>[L, N]</c>.</summary>
    public float* CGradient;

    /// <summary>The distance of rows of <see cref="CGradient"/>.</summary>
    public nint CGradientStride;

    /// <summary>Where the gradients of the scales are added to, as <see cref="ScanSums"/> lays them out.</summary>
    public float* Sums;
}
