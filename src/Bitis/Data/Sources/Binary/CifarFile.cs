namespace Bitis.Data.Sources.Binary;

/// <summary>The images of one CIFAR file, at equal distances, with their labels.</summary>
/// <param name="name">The file's name without folders.</param>
/// <param name="classes">10 or 100.</param>
/// <param name="labels">The label of each image.</param>
/// <param name="data">The file's bytes; disposed with this object.</param>
/// <param name="offset">The offset of the first image, in bytes.</param>
/// <param name="distance">The distance between images, in bytes.</param>
internal sealed class CifarFile(string name, int classes, byte[] labels, DataFile data, long offset, int distance)
    : IDisposable
{
    /// <summary>The bytes of an image: three planes of 32×32.</summary>
    public const int ImageLength = PixelImage.RgbChannels * PlaneLength;

    private const int Size = 32;
    private const int PlaneLength = Size * Size;

    /// <summary>The file's name without folders.</summary>
    public string Name => name;

    /// <summary>10 or 100.</summary>
    public int Classes => classes;

    /// <summary>The label of each image.</summary>
    public ReadOnlySpan<byte> Labels => labels;

    /// <summary>Reads an image.</summary>
    /// <exception cref="BitisException">The file was truncated since it was opened, or cannot be read.</exception>
    public PixelImage Read(int index)
    {
        Span<byte> planes = stackalloc byte[ImageLength];
        data.ReadExactly(planes, offset + (long)index * distance);
        byte[] rgb = new byte[ImageLength];
        for (int i = 0; i < PlaneLength; i++)
        {
            for (int c = 0; c < PixelImage.RgbChannels; c++)
                rgb[i * PixelImage.RgbChannels + c] = planes[c * PlaneLength + i];
        }
        return PixelImage.Rgb(Size, Size, rgb);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => data.Dispose();
}
