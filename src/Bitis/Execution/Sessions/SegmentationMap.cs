namespace Bitis;

/// <summary>The class of each pixel of an image.</summary>
public sealed class SegmentationMap
{
    private readonly ushort[] _classes;

    /// <summary>Creates a map over <paramref name="classes"/> without a copy.</summary>
    internal SegmentationMap(int width, int height, ushort[] classes) =>
        (Width, Height, _classes) = (width, height, classes);

    /// <summary>Pixels a row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>The classes' indices, row by row, <c>[height, width]</c>.</summary>
    public ReadOnlySpan<ushort> Classes => _classes;

    /// <summary>The size, for a debugger.</summary>
    public override string ToString() => $"SegmentationMap {Width}×{Height}";
}
