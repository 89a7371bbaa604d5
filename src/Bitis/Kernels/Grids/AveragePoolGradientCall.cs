namespace Bitis.Kernels.Grids;

/// <summary>The operands of an <see cref="AveragePoolGradient"/>. Strides are distances of rows in elements.</summary>
internal unsafe struct AveragePoolGradientCall
{
    /// <summary>The rows of the input's grid.</summary>
    public int Height;

    /// <summary>Its columns.</summary>
    public int Width;

    /// <summary>The rows and columns of the output's grid.</summary>
    public int Bins;

    /// <summary>The channels of a token.</summary>
    public int Channels;

    /// <summary>Whether x̄ is added to what <see cref="Source"/> holds.</summary>
    public bool Accumulate;

    /// <summary>ȳ, <c>[bins², channels]</c>.</summary>
    public float* Output;

    /// <summary>The distance of rows of <see cref="Output"/>.</summary>
    public nint OutputStride;

    /// <summary>x̄, <c>[height·width, channels]</c>.</summary>
    public float* Source;

    /// <summary>The distance of rows of <see cref="Source"/>.</summary>
    public nint SourceStride;
}
