namespace Bitis.Data.Decoding;

/// <summary>Decodes image files to pixels. <c>Bitis.Imaging</c> has one; an application may supply its own.</summary>
/// <remarks>Decoders are called from several threads at the same time.</remarks>
public interface IImageDecoder
{
    /// <summary>The supported formats, by their usual names: <c>JPEG</c>, <c>PNG</c>.</summary>
    IReadOnlyList<string> Formats { get; }

    /// <summary>How its pixels differ from the usual ones, for reports; null if they do not.</summary>
    string? Settings => null;

    /// <summary>Tells the format of a file from its first bytes.</summary>
    /// <param name="start">The first 512 bytes, or all bytes of a shorter file.</param>
    /// <returns>One of <see cref="Formats"/>; null for a file that is not supported.</returns>
    string? Identify(ReadOnlySpan<byte> start);

    /// <summary>Decodes a file. It must check sizes before it allocates memory (docs/limits.md).</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="name">The file's name in messages.</param>
    /// <returns>
    /// The pixels. If the file is damaged but could be decoded, <see cref="PixelImage.Warning"/> says so.
    /// </returns>
    /// <exception cref="BitisException">The bytes are not an image that can be decoded.</exception>
    PixelImage Decode(ReadOnlySpan<byte> file, string name);
}
