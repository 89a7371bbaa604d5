namespace Bitis.Data.Decoding;

/// <summary>Turns image files into pixels. <c>Bitis.Imaging</c> has one; an application may bring its own.</summary>
/// <remarks>A decoder is called by several threads at once.</remarks>
public interface IImageDecoder
{
    /// <summary>The formats that it reads, as <see cref="FileContent.NameOf"/> calls them: <c>JPEG</c>.</summary>
    IReadOnlyList<string> Formats { get; }

    /// <summary>How its pixels differ from the usual, in words; null if they do not. Reports show it.</summary>
    string? Settings => null;

    /// <summary>Tells the format of a file from its first bytes.</summary>
    /// <param name="start">The first <see cref="FileContent.StartLength"/> bytes, or all of a shorter file.</param>
    /// <returns>One of <see cref="Formats"/>; null for a file that it does not read.</returns>
    string? Identify(ReadOnlySpan<byte> start);

    /// <summary>Decodes a file; sizes are checked before memory is taken (<see cref="ImageLimits"/>).</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="name">Its name in messages.</param>
    /// <returns>The pixels; <see cref="PixelImage.Warning"/> says if the file is damaged all the same.</returns>
    /// <exception cref="BitisException">The bytes are not an image that it can decode.</exception>
    PixelImage Decode(ReadOnlySpan<byte> file, string name);
}
