namespace Bitis.Kernels.Grids;

/// <summary>The operands of a <see cref="BilinearResize"/>. Strides are distances of rows in elements.</summary>
internal unsafe struct BilinearResizeCall
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

    /// <summary>The input <c>[height·width, channels]</c>.</summary>
    public float* Source;

    /// <summary>The distance of rows of <see cref="Source"/>.</summary>
    public nint SourceStride;

    /// <summary>What is added to the result, of its shape; null for nothing. May be <see cref="Target"/>.</summary>
    public float* Added;

    /// <summary>The distance of rows of <see cref="Added"/>.</summary>
    public nint AddedStride;

    /// <summary>The output <c>[outHeight·outWidth, channels]</c>; must not overlap the input.</summary>
    public float* Target;

    /// <summary>The distance of rows of <see cref="Target"/>.</summary>
    public nint TargetStride;
}
