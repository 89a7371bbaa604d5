namespace Bitis.Training.Images;

/// <summary>One channel of an image, <c>[height, width]</c>, changed in place.</summary>
/// <param name="pixels">The pixels, row by row.</param>
/// <param name="width">Pixels a row.</param>
internal readonly ref struct ImagePlane(Span<float> pixels, int width)
{
    private readonly Span<float> _pixels = pixels;
    private readonly int _height = pixels.Length / width;

    /// <summary>
    /// Shifts the picture. Pixels that are shifted in are zero. Both distances are less than the size.
    /// </summary>
    public void Move(int right, int down)
    {
        // From the end towards which the picture moves, so that no row is overwritten before it is copied.
        if (down > 0)
        {
            for (int y = _height - 1; y >= down; y--)
                MoveRow(y - down, y, right);
            _pixels[..(down * width)].Clear();
        }
        else
        {
            for (int y = 0; y < _height + down; y++)
                MoveRow(y - down, y, right);
            _pixels[((_height + down) * width)..].Clear();
        }
    }

    /// <summary>Mirrors the picture left to right.</summary>
    public void Mirror()
    {
        for (int y = 0; y < _height; y++)
            Row(y).Reverse();
    }

    private void MoveRow(int from, int to, int right)
    {
        Span<float> source = Row(from), target = Row(to);
        if (right > 0)
        {
            source[..^right].CopyTo(target[right..]);
            target[..right].Clear();
        }
        else
        {
            source[-right..].CopyTo(target);
            target[(width + right)..].Clear();
        }
    }

    private Span<float> Row(int y) => _pixels.Slice(y * width, width);
}
