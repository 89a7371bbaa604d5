namespace Bitis.Kernels.Convolution;

/// <summary>One of the inputs of a <see cref="GridConv"/>, which lie side by side in its channels.</summary>
internal unsafe struct GridConvPart
{
    /// <summary>The input <c>[H·W, channels]</c>.</summary>
    public float* Source;

    /// <summary>The distance of its rows in elements.</summary>
    public nint Stride;

    /// <summary>Its channels.</summary>
    public int Channels;
}
