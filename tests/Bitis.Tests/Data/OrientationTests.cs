using System.Buffers.Binary;
using NetVips;

namespace Bitis.Tests.Data;

/// <summary>The eight orientations of EXIF: ignored, unless the user wants them.</summary>
public sealed class OrientationTests
{
    /// <summary>The letters of a picture of 3×2 pixels as it lies in its file, and as it is shown.</summary>
    public static TheoryData<int, string> Shown => new()
    {
        { 1, "abc/def" },
        { 2, "cba/fed" },
        { 3, "fed/cba" },
        { 4, "def/abc" },
        { 5, "ad/be/cf" },
        { 6, "da/eb/fc" },
        { 7, "fc/eb/da" },
        { 8, "cf/be/ad" },
    };

    [Theory]
    [MemberData(nameof(Shown))]
    public void Pictures_are_turned_if_that_is_wanted(int orientation, string shown)
    {
        var turning = new ImageDecoder { AppliesExifOrientation = true };
        foreach (byte[] file in (byte[][])[Png(orientation), WebP(orientation)])
        {
            Assert.Equal("abc/def", Letters(ImageDecoder.Default.Decode(file, "a")));
            Assert.Equal(shown, Letters(turning.Decode(file, "a")));
        }
    }

    [Theory]
    [MemberData(nameof(Shown))]
    public void Tiff_files_are_always_turned(int orientation, string shown)
    {
        using Image image = Picture(orientation);
        Assert.Equal(shown, Letters(ImageDecoder.Default.Decode(image.TiffsaveBuffer(), "a.tif")));
    }

    [Fact]
    public void A_photograph_is_turned_if_that_is_wanted()
    {
        byte[] file = GoldenImages.FileBytes("exif-rotate6.jpg");
        PixelImage lying = ImageDecoder.Default.Decode(file, "a.jpg");
        PixelImage shown = new ImageDecoder { AppliesExifOrientation = true }.Decode(file, "a.jpg");
        Assert.Equal((lying.Height, lying.Width), (shown.Width, shown.Height));
        Assert.Equal(lying.Row(lying.Height - 1)[..3].ToArray(), shown.Row(0)[..3].ToArray());
        Assert.Equal(lying.Row(0)[..3].ToArray(), shown.Row(0)[^3..].ToArray());
    }

    [Fact]
    public void An_orientation_that_does_not_exist_is_upright() =>
        Assert.Equal("abc/def", Letters(new ImageDecoder { AppliesExifOrientation = true }.Decode(Png(9), "a.png")));

    private static string Letters(PixelImage image) => string.Join('/', Enumerable.Range(0, image.Height).Select(y =>
        string.Concat(Enumerable.Range(0, image.Width).Select(x => (char)image.Row(y)[3 * x]))));

    private static byte[] Png(int orientation) => TestImages.Png(
        3, 2, 8, 0, [0, .. "abc"u8, 0, .. "def"u8], interlaced: false, ("eXIf", Exif(orientation)));

    private static byte[] WebP(int orientation)
    {
        using Image image = Picture(orientation);
        return image.WebpsaveBuffer(lossless: true);
    }

    private static Image Picture(int orientation)
    {
        byte[] rgb = [.. "abcdef"u8.ToArray().SelectMany(letter => (byte[])[letter, letter, letter])];
        using Image image = Image.NewFromMemoryCopy<byte>(rgb, 3, 2, 3, Enums.BandFormat.Uchar);
        return image.Mutate(changed => changed.Set(GValue.GIntType, "orientation", orientation));
    }

    /// <summary>A TIFF header and one entry, the orientation.</summary>
    private static byte[] Exif(int orientation)
    {
        byte[] exif = new byte[26];
        "II*\0"u8.CopyTo(exif);
        exif[4] = 8;
        exif[8] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(exif.AsSpan(10), 0x0112);
        BinaryPrimitives.WriteUInt16LittleEndian(exif.AsSpan(12), 3);
        exif[14] = 1;
        exif[18] = (byte)orientation;
        return exif;
    }
}
