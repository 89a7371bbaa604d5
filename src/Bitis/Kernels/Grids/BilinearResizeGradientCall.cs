namespace Bitis.Kernels.Grids;

/// <summary>The operands of a <see cref="BilinearResizeGradient"/>.</summary>
/// <remarks>Strides are distances of rows in elements.</remarks>
internal unsafe struct BilinearResizeGradientCall
{
    /// <summary>The columns of the input's grid.</summary>
    public int Width;

    /// <summary>The columns of the output's grid.</summary>
    public int OutWidth;

    /// <summary>The channels of a token.</summary>
    public int Channels;

    /// <summary>Where the rows of the output's grid lie.</summary>
    public ResizeStep* Rows;

    /// <summary>Where its columns lie.</summary>
    public ResizeStep* Columns;

    /// <summary>ȳ, <c>[outHeight·outWidth, channels]</c>.</summary>
    public float* Output;

    /// <summary>The distance of rows of <see cref="Output"/>.</summary>
    public nint OutputStride;

    /// <summary>x̄, <c>[height·width, channels]</c>, to which the shares of ȳ are added.</summary>
    public float* Source;

    /// <summary>The distance of rows of <see cref="Source"/>.</summary>
    public nint SourceStride;
}
