using Bitis.Tensors;

namespace Bitis.Kernels.Scan;

/// <summary>The operands of <see cref="IntegerScan"/>: matrices of a sequence, rows in the order of memory.</summary>
internal unsafe struct IntegerScanCall
{
    /// <summary>The scan's constants.</summary>
    public PackedScan Scan;

    /// <summary>L.</summary>
    public int Tokens;

    /// <summary>Whether the scan goes from the last row to the first.</summary>
    public bool Reverse;

    /// <summary>u <c>[L, E]</c>.</summary>
    public float* U;

    /// <summary>The distance of rows of <see cref="U"/>.</summary>
    public nint UStride;

    /// <summary>Δ before the softplus, <c>[L, E]</c>.</summary>
    public float* Delta;

    /// <summary>The distance of rows of <see cref="Delta"/>.</summary>
    public nint DeltaStride;

    /// <summary>B <c>[L, N]</c>.</summary>
    public float* B;

    /// <summary>The distance of rows of <see cref="B"/>.</summary>
    public nint BStride;

    /// <summary>C <c>[L, N]</c>.</summary>
    public float* C;

    /// <summary>The distance of rows of <see cref="C"/>.</summary>
    public nint CStride;

    /// <summary>y <c>[L, E]</c>.</summary>
    public float* Y;

    /// <summary>The distance of rows of <see cref="Y"/>.</summary>
    public nint YStride;

    /// <summary>Add to what <see cref="Y"/> holds.</summary>
    public bool Accumulate;

    /// <summary>
    /// The operands of one image of a batch: u, Δ before its softplus and y <c>[batch, L, E]</c>, B and C <c>[batch, L,
    /// N]</c>.
    /// </summary>
    public static IntegerScanCall ForImage(
        PackedScan scan, int image, FloatTensor u, FloatTensor delta, FloatTensor b, FloatTensor c, FloatTensor y)
    {
        int tokens = u.Shape[1], channels = u.Shape[2], states = b.Shape[2];
        nint values = (nint)image * tokens * channels, rows = (nint)image * tokens * states;
        return new IntegerScanCall
        {
            Scan = scan,
            Tokens = tokens,
            U = u.Pointer + values,
            UStride = channels,
            Delta = delta.Pointer + values,
            DeltaStride = channels,
            B = b.Pointer + rows,
            BStride = states,
            C = c.Pointer + rows,
            CStride = states,
            Y = y.Pointer + values,
            YStride = channels,
        };
    }
}
