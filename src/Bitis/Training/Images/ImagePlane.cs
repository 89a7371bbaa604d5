namespace Bitis.Training.Images;

/// <summary>One channel of an image, or its labels, <c>[height, width]</c>, changed in place.</summary>
/// <param name="pixels">The pixels, row by row.</param>
/// <param name="width">Pixels a row.</param>
/// <param name="outside">The value of pixels that are shifted in.</param>
internal readonly ref struct ImagePlane<T>(Span<T> pixels, int width, T outside)
{
    private readonly Span<T> _pixels = pixels;
    private readonly int _height = pixels.Length / width;

    /// <summary>
    /// Shifts the picture. Both distances are less than the size.
    /// </summary>
    public void Move(int right, int down)
    {
        // From the end towards which the picture moves, so that no row is overwritten before it is copied.
        if (down > 0)
        {
            for (int y = _height - 1; y >= down; y--)
                MoveRow(y - down, y, right);
            _pixels[..(down * width)].Fill(outside);
        }
        else
        {
            for (int y = 0; y < _height + down; y++)
                MoveRow(y - down, y, right);
            _pixels[((_height + down) * width)..].Fill(outside);
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
        Span<T> source = Row(from), target = Row(to);
        if (right > 0)
        {
            source[..^right].CopyTo(target[right..]);
            target[..right].Fill(outside);
        }
        else
        {
            source[-right..].CopyTo(target);
            target[(width + right)..].Fill(outside);
        }
    }

    private Span<T> Row(int y) => _pixels.Slice(y * width, width);
}
