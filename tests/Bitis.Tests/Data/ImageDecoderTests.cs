using Bitis.Data.Decoding;

namespace Bitis.Tests.Data;

/// <summary>What decoding does with files that are missing, damaged, or something else than they seem.</summary>
public sealed class ImageDecoderTests
{
    [Fact]
    public void The_content_decides_and_not_the_name()
    {
        using var folder = new TempFolder();
        PixelImage image = ImageDecoder.Default.Load(folder.Write("really-a-png.jpg", TestImages.SolidPng(1, 2, 3)));
        Assert.Equal([1, 2, 3], image.Pixels.ToArray());
    }

    [Theory]
    [InlineData("just some text", "this is text, not an image; JPEG, PNG, WebP, TIFF, GIF or BMP was expected.")]
    [InlineData("%PDF-1.7", "PDF is not read; JPEG, PNG, WebP, TIFF, GIF or BMP was expected. Convert it first.")]
    [InlineData("", "the file is empty; JPEG, PNG, WebP, TIFF, GIF or BMP was expected.")]
    public void Something_else_is_named(string contents, string expected)
    {
        using var folder = new TempFolder();
        string path = folder.Write("photo.jpg", System.Text.Encoding.UTF8.GetBytes(contents));
        string message = Assert.Throws<BitisException>(() => ImageDecoder.Default.Load(path)).Message;
        Assert.Equal($"{path}: {expected}", message);
    }

    [Fact]
    public void A_missing_file_and_a_folder_are_clear_messages()
    {
        using var folder = new TempFolder();
        string missing = folder["none.png"];
        string message = Assert.Throws<BitisException>(() => ImageDecoder.Default.Load(missing)).Message;
        Assert.Contains("no such file", message);
        message = Assert.Throws<BitisException>(() => ImageDecoder.Default.Load(folder.Path)).Message;
        Assert.Contains("this is a folder", message);
    }

    [Theory]
    [InlineData("baseline420.jpg")]
    [InlineData("progressive444.jpg")]
    [InlineData("cmyk.jpg")]
    public void A_truncated_jpeg_is_an_error(string name)
    {
        byte[] jpeg = GoldenImages.FileBytes(name);
        foreach (int length in
            (int[])[4, 100, 400, jpeg.Length / 10, jpeg.Length / 2, jpeg.Length * 9 / 10, jpeg.Length - 100])
        {
            BitisException e = Assert.Throws<BitisException>(
                () => ImageDecoder.Default.Decode(jpeg.AsSpan(0, length), "cut.jpg"));
            Assert.StartsWith("cut.jpg: the JPEG", e.Message);
        }
    }

    [Fact]
    public void A_jpeg_header_with_an_impossible_size_is_refused_before_memory_is_taken()
    {
        byte[] jpeg = GoldenImages.FileBytes("tiny.jpg");
        ImageDecoder.Default.Decode(jpeg, "warm up");
        int frame = jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        foreach ((int height, int width, string expected) in
            ((int, int, string)[])[
                (0, 100, "damaged"), (60_000, 60_000, "at most 100 million"), (9_000, 9_000, "cannot hold")])
        {
            (jpeg[frame + 5], jpeg[frame + 6]) = ((byte)(height >> 8), (byte)height);
            (jpeg[frame + 7], jpeg[frame + 8]) = ((byte)(width >> 8), (byte)width);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Contains(
                expected, Assert.Throws<BitisException>(() => ImageDecoder.Default.Decode(jpeg, "big.jpg")).Message);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
        }
    }

    [Fact]
    public void The_native_library_is_named_with_the_package_that_brings_it()
    {
        Assert.StartsWith("libvips 8.", ImageDecoder.NativeLibrary);
        Assert.Matches("NetVips\\.Native\\.(linux|linux-musl|osx|win)-(x64|arm64) ", ImageDecoder.NativeLibraryHint);
    }

    [Fact]
    public void Pixels_must_fill_the_stated_size()
    {
        Assert.Throws<ArgumentException>(() => PixelImage.Rgb(2, 2, new byte[11]));
        Assert.Throws<ArgumentOutOfRangeException>(() => PixelImage.Rgb(0, 2, []));
        Assert.Throws<ArgumentException>(() => PixelImage.Rgb(int.MaxValue, int.MaxValue, new byte[3]));
        Assert.Equal([4, 5, 6], PixelImage.Rgb(1, 2, [1, 2, 3, 4, 5, 6]).Row(1).ToArray());
    }
}
