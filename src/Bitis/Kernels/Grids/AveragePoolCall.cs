namespace Bitis.Kernels.Grids;

/// <summary>The operands of a <see cref="AveragePool"/>. Strides are distances of rows in elements.</summary>
internal unsafe struct AveragePoolCall
{
    /// <summary>The rows of the input's grid.</summary>
    public int Height;

    /// <summary>Its columns.</summary>
    public int Width;

    /// <summary>The rows and columns of the output's grid.</summary>
    public int Bins;

    /// <summary>The channels of a token.</summary>
    public int Channels;

    /// <summary>The input <c>[height·width, channels]</c>.</summary>
    public float* Source;

    /// <summary>The distance of rows of <see cref="Source"/>.</summary>
    public nint SourceStride;

    /// <summary>The output <c>[bins², channels]</c>; must not overlap the input.</summary>
    public float* Target;

    /// <summary>The distance of rows of <see cref="Target"/>.</summary>
    public nint TargetStride;
}
