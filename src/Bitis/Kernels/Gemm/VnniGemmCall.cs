using System.Runtime.InteropServices;

namespace Bitis.Kernels.Gemm;

/// <summary>
/// The operands of a kernel of <see cref="VnniGemmAssembler"/>: one panel of weights, and a number of row tiles.
/// </summary>
/// <remarks>The kernel finds them by their offsets.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct VnniGemmCall
{
    /// <summary>The first input row.</summary>
    public byte* A;

    /// <summary>The distance of input rows in bytes.</summary>
    public nint Lda;

    /// <summary>The distance of neighbouring groups of four values of an input row in bytes.</summary>
    public nint GroupStride;

    /// <summary>The panel's weights, <c>[groups][columns][4]</c>.</summary>
    public sbyte* Panel;

    /// <summary>The groups of four values of a dot product: K / 4, rounded up.</summary>
    public nint Groups;

    /// <summary>The first output row, at the panel's first column; float32, or int32 for raw sums.</summary>
    public void* C;

    /// <summary>The distance of output rows in bytes.</summary>
    public nint Ldc;

    /// <summary>The sums of the panel's columns.</summary>
    public int* ColumnSums;

    /// <summary>The weight scales of the panel's columns.</summary>
    public float* Scales;

    /// <summary>The bias of the panel's columns.</summary>
    public float* Bias;

    /// <summary>The scale of the first row.</summary>
    public float* TokenScales;

    /// <summary>The zero point of the first row.</summary>
    public int* ZeroPoints;

    /// <summary>The distance of scales and of zero points in bytes: 4, or 0 for one of each for all tokens.</summary>
    public nint ParameterStride;

    /// <summary>How many tiles of rows follow each other.</summary>
    public nint Tiles;

    /// <summary>A bit for each column of the panel's last register that exists.</summary>
    public nint LastMask;
}
