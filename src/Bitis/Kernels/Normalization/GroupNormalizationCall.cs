namespace Bitis.Kernels.Normalization;

/// <summary>
/// The operands of a <see cref="GroupNormalization"/> of one image, <c>[rows, columns]</c>. Strides are distances of
/// rows in elements.
/// </summary>
internal unsafe struct GroupNormalizationCall
{
    /// <summary>The tokens.</summary>
    public int Rows;

    /// <summary>The length of a row.</summary>
    public int Columns;

    /// <summary>How many groups of neighbouring columns there are; divides the columns.</summary>
    public int Groups;

    /// <summary>The input.</summary>
    public float* Source;

    /// <summary>The distance of rows of <see cref="Source"/>.</summary>
    public nint SourceStride;

    /// <summary>The normalized rows; may be the input.</summary>
    public float* Target;

    /// <summary>The distance of rows of <see cref="Target"/>.</summary>
    public nint TargetStride;

    /// <summary><c>[columns]</c></summary>
    public float* Weight;

    /// <summary><c>[columns]</c></summary>
    public float* Bias;

    /// <summary>Added to the variance before the root.</summary>
    public float Epsilon;

    /// <summary>The mean of each column's group, and 1 / sqrt(its variance + ε), <c>[2, columns]</c>.</summary>
    /// <remarks>The forward pass writes it and the backward pass reads it.</remarks>
    public float* Statistics;
}
