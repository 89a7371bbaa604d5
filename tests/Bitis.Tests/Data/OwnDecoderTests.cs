using System.Text;
using Bitis.Data.Decoding;

namespace Bitis.Tests.Data;

/// <summary>A decoder of an application's own, and none at all.</summary>
public sealed class OwnDecoderTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Sets_of_files_are_read_with_the_decoder_that_is_given()
    {
        _folder.Write("set/a/one.shade", "7"u8);
        _folder.Write("set/b/two.shade", "200"u8);
        using ImageSource set = ImageSource.Open(_folder["set"], new ShadeDecoder());
        Assert.Equal(["a", "b"], set.ClassNames);
        Assert.Equal([200], set.Read(1).Pixels.ToArray());
        using ImageSource file = ImageSource.Open(_folder["set/a/one.shade"], new ShadeDecoder());
        Assert.Equal([7], file.Read(0).Pixels.ToArray());
        string png = _folder.Write("a.png", TestImages.SolidPng(1, 2, 3));
        BitisException e = Assert.Throws<BitisException>(() => ImageSource.Open(png, new ShadeDecoder()));
        Assert.Equal($"{png}: PNG is not read; text was expected. Convert it first.", e.Message);
    }

    [Fact]
    public void Without_a_decoder_built_in_images_open_and_files_are_refused()
    {
        using ImageSource builtIn = ImageSource.Open("builtin/test", decoder: null);
        Assert.Equal(32, builtIn.Read(0).Width);
        string png = _folder.Write("set/a.png", TestImages.SolidPng(1, 2, 3));
        foreach (string path in (string[])[png, _folder["set"]])
        {
            BitisException e = Assert.Throws<BitisException>(() => ImageSource.Open(path, decoder: null));
            Assert.StartsWith($"{path}: image files need a decoder", e.Message);
        }
    }

    /// <summary>Reads texts with a number, which is the shade of a gray pixel.</summary>
    private sealed class ShadeDecoder : IImageDecoder
    {
        public IReadOnlyList<string> Formats => [FileContent.Text];

        public string? Identify(ReadOnlySpan<byte> start) =>
            FileContent.NameOf(start) == FileContent.Text ? FileContent.Text : null;

        public PixelImage Decode(ReadOnlySpan<byte> file, string name) =>
            PixelImage.Gray(1, 1, [byte.Parse(Encoding.ASCII.GetString(file))]);
    }
}
