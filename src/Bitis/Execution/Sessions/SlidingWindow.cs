namespace Bitis;

/// <summary>How an image is segmented in square windows (mmsegmentation's <c>slide</c>).</summary>
/// <remarks>
/// Where windows overlap, their logits are averaged. The last window of a row ends at the image's edge.
/// </remarks>
/// <param name="Size">The side of a window, in pixels.</param>
/// <param name="Stride">The distance of windows, in pixels; at most <paramref name="Size"/>.</param>
public sealed record SlidingWindow(int Size, int Stride)
{
    /// <summary>Checks the values.</summary>
    /// <exception cref="BitisException">Windows would be empty, or leave pixels out.</exception>
    public void Validate()
    {
        if (Size < 1 || Stride < 1 || Stride > Size)
        {
            throw new BitisException(
                $"Windows of {Size} pixels, {Stride} apart, do not cover an image; expected 1 ≤ stride ≤ size.");
        }
    }

    /// <summary>The parts of a side that the windows cover: the first pixel, and the one after the last.</summary>
    /// <param name="side">The image's height or width.</param>
    internal IReadOnlyList<(int Start, int End)> Cover(int side)
    {
        int count = ((Math.Max(side - Size, 0) + Stride - 1) / Stride) + 1;
        return
        [
            .. Enumerable.Range(0, count).Select(i => Math.Min((i * Stride) + Size, side)).Select(
                end => (Math.Max(end - Size, 0), end)),
        ];
    }
}
