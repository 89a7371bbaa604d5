namespace Bitis.Kernels.Scan;

/// <summary>
/// The gradients that a scan's backward pass reads and writes: matrices of a sequence, rows in the order of memory.
/// </summary>
internal unsafe struct ScanGradients
{
    /// <summary>∂L/∂y <c>[L, E]</c>, which is read.</summary>
    public float* Output;

    /// <summary>The distance of rows of <see cref="Output"/>.</summary>
    public nint OutputStride;

    /// <summary>∂L/∂u <c>[L, E]</c>.</summary>
    public float* U;

    /// <summary>The distance of rows of <see cref="U"/>.</summary>
    public nint UStride;

    /// <summary>Add to what <see cref="U"/> holds.</summary>
    public bool AccumulateU;

    /// <summary>∂L/∂Δ <c>[L, E]</c>, of Δ before the softplus if the forward applies it.</summary>
    public float* Delta;

    /// <summary>The distance of rows of <see cref="Delta"/>.</summary>
    public nint DeltaStride;

    /// <summary>∂L/∂B <c>[L, N]</c>.</summary>
    public float* B;

    /// <summary>The distance of rows of <see cref="B"/>.</summary>
    public nint BStride;

    /// <summary>∂L/∂C <c>[L, N]</c>.</summary>
    public float* C;

    /// <summary>The distance of rows of <see cref="C"/>.</summary>
    public nint CStride;
}
