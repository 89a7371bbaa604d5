using System.Text;
using Bitis.Data.Decoding;

namespace Bitis.Tests.Data;

/// <summary>What files are shows in their first bytes.</summary>
public sealed class FileContentTests
{
    private static readonly string[] Formats = ["JPEG", "PNG"];

    [Theory]
    [InlineData("FFD8FFE000104A464946", "JPEG")]
    [InlineData("89504E470D0A1A0A", "PNG")]
    [InlineData("474946383961", "GIF")]
    [InlineData("49492A0008000000", "TIFF")]
    [InlineData("49492A0010000000435202", "TIFF")]
    [InlineData("49492A001000000043520200", "camera raw (CR2)")]
    [InlineData("4D4D002A00000008", "TIFF")]
    [InlineData("524946461200000057454250", "WebP")]
    [InlineData("524946461200000057415645", "RIFF container")]
    [InlineData("0000001C6674797061766966", "AVIF")]
    [InlineData("0000001C667479706D696631", "HEIC")]
    [InlineData("0000001C6674797068656963", "HEIC")]
    [InlineData("0000001C6674797069736F6D", "video (MP4)")]
    [InlineData("0000000C4A584C200D0A870A", "JPEG XL")]
    [InlineData("FF0A", "JPEG XL")]
    [InlineData("0000000C6A5020200D0A870A", "JPEG 2000")]
    [InlineData("424D3600000000000000360000002800", "BMP")]
    [InlineData("424D57206973206E6F7420612062697421", "text")]
    [InlineData("1F8B0800", "gzip file")]
    [InlineData("504B0304", "zip archive")]
    [InlineData("50350A3120310A3235350A", "portable map (PNM)")]
    [InlineData("00FF00FF", "unknown format")]
    [InlineData("", "empty file")]
    public void Signatures_decide(string bytes, string name) =>
        Assert.Equal(name, FileContent.NameOf(Convert.FromHexString(bytes)));

    [Theory]
    [InlineData("%PDF-1.7", "PDF")]
    [InlineData("8BPS", "Photoshop")]
    [InlineData("<!DOCTYPE html><title>", "web page")]
    [InlineData("\uFEFF  <html>", "web page")]
    [InlineData("<?xml version=\"1.0\"?>\n<svg xmlns=\"\">", "SVG")]
    [InlineData("<?xml version=\"1.0\"?><note/>", "text")]
    [InlineData("version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer")]
    [InlineData("{\"a\": \"größer\"}", "text")]
    public void Texts_are_looked_into(string text, string name) =>
        Assert.Equal(name, FileContent.NameOf(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void A_character_that_the_last_byte_cuts_is_still_text()
    {
        byte[] text = Encoding.UTF8.GetBytes(new string('ä', FileContent.StartLength));
        Assert.Equal("text", FileContent.NameOf(text));
        Assert.Equal("text", FileContent.NameOf([(byte)'x', .. text]));
        Assert.Equal("unknown format", FileContent.NameOf([(byte)'x', 0xC3]));
    }

    [Fact]
    public void A_tar_archive_shows_in_its_first_header()
    {
        byte[] header = new byte[FileContent.StartLength];
        "cat/1.png"u8.CopyTo(header);
        "ustar"u8.CopyTo(header.AsSpan(257));
        Assert.Equal("tar archive", FileContent.NameOf(header));
    }

    [Theory]
    [InlineData(
        "<html>",
        "this is a web page, not an image",
        " A download may have failed, or needs a login; download the image again.")]
    [InlineData(
        "version https://git-lfs",
        "this is a Git LFS pointer, not an image",
        " Fetch the file itself with 'git lfs pull'.")]
    [InlineData("PK\u0003\u0004", "this is a zip archive, not an image", " Unpack it first.")]
    [InlineData("7z\u00BC\u00AF\u0027\u001C", "this is a 7z archive, not an image", " Unpack it first.")]
    [InlineData("\u00FD7zXZ\0", "this is an xz file, not an image", " Unpack it first.")]
    [InlineData("\0\0\0\u001Cftypavif", "AVIF is not read", " Convert it first.")]
    [InlineData("GIF89a", "GIF is not read", " Convert it first.")]
    [InlineData("\0\u0001\u0002\u0003", "this is not an image (it starts with 00010203)", "")]
    public void What_is_no_image_is_named_with_what_helps(string start, string found, string advice) =>
        Assert.Equal(
            $"a.jpg: {found}; JPEG or PNG was expected.{advice}",
            FileContent.RefuseAsImage("a.jpg", Encoding.Latin1.GetBytes(start), Formats).Message);
}
