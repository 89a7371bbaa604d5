namespace Bitis.Data.Decoding;

/// <summary>Ways to an image that every decoder has.</summary>
internal static class ImageDecoderExtensions
{
    /// <summary>Reads and decodes an image file.</summary>
    /// <param name="decoder">What decodes it.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="BitisException">The file cannot be read or decoded.</exception>
    public static PixelImage Load(this IImageDecoder decoder, string path)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        return decoder.Decode(InputFile.ReadAllBytes(path, ImageLimits.MaxFileBytes), path);
    }

    /// <summary>Reads a stream to its end and decodes it.</summary>
    /// <param name="decoder">What decodes it.</param>
    /// <param name="stream">The file's bytes, at most <see cref="ImageLimits.MaxFileBytes"/>.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="BitisException">The stream is too long, or not an image that can be decoded.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public static PixelImage Load(this IImageDecoder decoder, Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(stream);
        using var file = new MemoryStream();
        byte[] buffer = new byte[1 << 16];
        int count;
        while ((count = stream.Read(buffer)) > 0)
        {
            if (file.Length + count > ImageLimits.MaxFileBytes)
            {
                throw BitisException.InFile(
                    name, $"the image has more than the {ImageLimits.MaxFileBytes} bytes that are accepted.");
            }
            file.Write(buffer, 0, count);
        }
        return decoder.Decode(file.GetBuffer().AsSpan(0, (int)file.Length), name);
    }
}
