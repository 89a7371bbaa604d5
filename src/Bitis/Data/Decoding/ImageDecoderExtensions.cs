namespace Bitis.Data.Decoding;

/// <summary>Decoding of files and streams, with any decoder.</summary>
internal static class ImageDecoderExtensions
{
    private const int PieceBytes = 1 << 16;

    /// <summary>Reads and decodes an image file.</summary>
    /// <param name="decoder">The image decoder.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="BitisException">The file cannot be read or decoded.</exception>
    public static PixelImage Load(this IImageDecoder decoder, string path)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        return decoder.Decode(InputFile.ReadAllBytes(path, ImageLimits.MaxFileBytes), path);
    }

    /// <summary>Reads a stream to its end and decodes it.</summary>
    /// <param name="decoder">The image decoder.</param>
    /// <param name="stream">The file's bytes, at most <see cref="ImageLimits.MaxFileBytes"/>.</param>
    /// <param name="name">The image's name in messages.</param>
    /// <param name="cancellationToken">Ends the reading between two reads.</param>
    /// <exception cref="BitisException">The stream is too long, or not an image that can be decoded.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public static PixelImage Load(
        this IImageDecoder decoder, Stream stream, string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(stream);
        using var file = new MemoryStream();
        byte[] buffer = new byte[PieceBytes];
        int count;
        while ((count = stream.Read(buffer)) > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Append(file, buffer.AsSpan(0, count), name);
        }
        return decoder.Decode(file.GetBuffer().AsSpan(0, (int)file.Length), name);
    }

    /// <summary>Reads a stream to its end, without blocking a thread, and decodes it.</summary>
    /// <param name="decoder">The image decoder.</param>
    /// <param name="stream">The file's bytes, at most <see cref="ImageLimits.MaxFileBytes"/>.</param>
    /// <param name="name">The image's name in messages.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="BitisException">The stream is too long, or not an image that can be decoded.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public static Task<PixelImage> LoadAsync(
        this IImageDecoder decoder, Stream stream, string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(stream);
        return LoadPieces();

        async Task<PixelImage> LoadPieces()
        {
            using var file = new MemoryStream();
            byte[] buffer = new byte[PieceBytes];
            int count;
            while ((count = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
                Append(file, buffer.AsSpan(0, count), name);
            // Decoding takes time, so it must not run on a user interface's thread.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            return decoder.Decode(file.GetBuffer().AsSpan(0, (int)file.Length), name);
        }
    }

    private static void Append(MemoryStream file, ReadOnlySpan<byte> piece, string name)
    {
        if (file.Length + piece.Length > ImageLimits.MaxFileBytes)
        {
            throw BitisException.InFile(
                name, $"the image has more than the {ImageLimits.MaxFileBytes} bytes that are accepted.");
        }
        file.Write(piece);
    }
}
