using Bitis.Data;
using Bitis.Data.BuiltIn;
using Bitis.Data.Decoding;

namespace Bitis.Tests.Data;

/// <summary>Sets with images that cannot be decoded.</summary>
public sealed class ImageCheckTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Good_images_keep_their_order_labels_and_names()
    {
        byte[] jpeg = GoldenImages.FileBytes("tiny.jpg");
        _folder.Write("set/a/1.png", TestImages.SolidPng(1, 2, 3));
        _folder.Write("set/a/2.jpg", jpeg.AsSpan(0, jpeg.Length / 2));
        _folder.Write("set/b/1.png", TestImages.SolidPng(4, 5, 6));
        using ImageSource source = ImageSource.Open(_folder["set"]);
        var check = ImageCheck.Of(source);
        ImageSource good = check.RequireGood();
        Assert.Equal(["a/1.png", "b/1.png"], Enumerable.Range(0, good.Count).Select(good.Name));
        Assert.Equal([0, 1], Enumerable.Range(0, good.Count).Select(good.Label));
        Assert.Equal([4, 5, 6], good.Read(1).Pixels.ToArray());
        BadImage bad = Assert.Single(check.Bad);
        Assert.Equal("a/2.jpg", bad.Image);
        Assert.Contains("2.jpg: the JPEG file is truncated or damaged", bad.Reason);
        ImageSource same = source.WithoutDamaged(out IReadOnlyList<string> leftOut);
        Assert.Equal((2, bad.Reason), (same.Count, Assert.Single(leftOut)));
    }

    [Fact]
    public void A_set_without_damage_is_the_set_itself()
    {
        using var source = new SyntheticImageSource(5, 8, classes: 2, seed: 1);
        var check = ImageCheck.Of(source, threads: 2);
        Assert.Same(source, check.Good);
        Assert.Empty(check.Bad);
    }

    [Fact]
    public void A_set_without_good_images_is_refused_with_the_first_reason()
    {
        _folder.Write("set/1.png", [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]);
        _folder.Write("set/2.png", TestImages.SolidPng(1, 2, 3).AsSpan(0, 20));
        using ImageSource source = ImageSource.Open(_folder["set"]);
        var check = ImageCheck.Of(source);
        Assert.Null(check.Good);
        string message = Assert.Throws<BitisException>(check.RequireGood).Message;
        Assert.Equal(message, Assert.Throws<BitisException>(() => source.WithoutDamaged(out _)).Message);
        Assert.StartsWith("None of the 2 images can be decoded. The first: ", message);
        Assert.Contains("1.png: the PNG file is truncated", message);
    }

    [Fact]
    public void A_source_knows_which_images_were_damaged_and_shown()
    {
        byte[] jpeg = GoldenImages.FileBytes("tiny.jpg");
        _folder.Write("set/good.jpg", jpeg);
        _folder.Write("set/short.jpg", [.. jpeg[..(jpeg.Length * 3 / 4)], 0xFF, 0xD9]);
        using ImageSource source = ImageSource.Open(_folder["set"]);
        Assert.Empty(source.Warnings);
        for (int i = 0; i < source.Count; i++)
        {
            source.Read(i);
            source.Read(i);
        }
        Assert.StartsWith("short.jpg: the JPEG file is damaged", Assert.Single(source.Warnings));
    }
}
