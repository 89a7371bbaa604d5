namespace Bitis.Kernels.Images;

/// <summary>The input pixels and their weights for each output pixel along one axis.</summary>
/// <param name="starts">The first input pixel of each output pixel, counted from the start of the axis.</param>
/// <param name="counts">The number of its input pixels.</param>
/// <param name="weights">The weights, in fixed point: those of an output pixel lie together.</param>
/// <param name="stride">The distance of two output pixels' weights.</param>
internal readonly ref struct PixelWindows(
    ReadOnlySpan<int> starts, ReadOnlySpan<int> counts, ReadOnlySpan<int> weights, int stride)
{
    private readonly ReadOnlySpan<int> _starts = starts, _counts = counts, _weights = weights;
    private readonly int _stride = stride;

    /// <summary>The number of output pixels.</summary>
    public int Count => _starts.Length;

    /// <summary>The first input pixel of an output pixel.</summary>
    public int Start(int output) => _starts[output];

    /// <summary>The weights of an output pixel's input pixels.</summary>
    public ReadOnlySpan<int> Weights(int output) => _weights.Slice(output * _stride, _counts[output]);
}
