
namespace Bitis.Tests.Data;

/// <summary>Which files of a folder are images, which folders are classes, and what is said of the others.</summary>
public sealed class ImageContentTests : IDisposable
{
    private static readonly byte[] Avif = [0, 0, 0, 32, .. "ftypavif"u8, 0, 0, 0, 0];

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("folder")]
    [InlineData("set.zip")]
    [InlineData("set.tar")]
    [InlineData("set.tgz")]
    public void Files_go_by_content_and_what_is_left_out_is_said(string name)
    {
        string path = TestArchives.Write(
            _folder[name],
            ("cat/a.jfif", TestImages.SolidPng(1, 1, 1)),
            ("cat/b", TestImages.SolidPng(2, 2, 2)),
            ("cat/c.txt", TestImages.Bmp(1, 1, 24, [3, 3, 3, 0])),
            ("dog/d.PNG", TestImages.SolidPng(4, 4, 4)),
            ("dog/readme", "BMW and other words"u8.ToArray()),
            ("dog/labels.json", "{}"u8.ToArray()),
            ("dog/e.avif", Avif),
            ("dog/Thumbs.db", [0xD0, 0xCF, 0x11, 0xE0]),
            ("dog/.DS_Store", [0, 0, 0, 1]),
            ("dog/none.dat", []));
        using ImageSource source = ImageSource.Open(path);
        string[] names = ["cat/a.jfif", "cat/b", "cat/c.txt", "dog/d.PNG"];
        Assert.Equal(names, Enumerable.Range(0, source.Count).Select(source.Name));
        Assert.Equal([1, 2, 3, 4], Enumerable.Range(0, source.Count).Select(i => (int)source.Read(i).Pixels[0]));
        Assert.Equal((int?[])[0, 0, 0, 1], Enumerable.Range(0, source.Count).Select(source.Label));
        Assert.Equal(
            [$"{path}: 6 files left out: 2 text, 1 AVIF, 1 empty file, 1 hidden, 1 unknown format."], source.Notices);
        Assert.Equal(source.Notices, source.Take(2, seed: 0).Notices);
        Assert.Equal(source.Notices, source.WithClassNames(["cat", "dog"]).Notices);
    }

    [Fact]
    public void A_file_with_the_extension_of_an_image_is_one_and_may_be_damaged()
    {
        _folder.Write("a.jpg", "text"u8);
        _folder.Write("b.png", TestImages.SolidPng(1, 1, 1));
        using ImageSource source = ImageSource.Open(_folder.Path);
        Assert.Equal(2, source.Count);
        Assert.Empty(source.Notices);
        Assert.Contains(
            "a.jpg: this is text, not an image", Assert.Throws<BitisException>(() => source.Read(0)).Message);
    }

    [Theory]
    [InlineData("folder")]
    [InlineData("set.zip")]
    [InlineData("set.tar")]
    public void Clutter_is_no_class(string name)
    {
        string path = TestArchives.Write(
            _folder[name],
            ("@eaDir/a.png", TestImages.SolidPng(9, 9, 9)),
            ("__pycache__/", []),
            (".ipynb_checkpoints/a.png", TestImages.SolidPng(9, 9, 9)),
            ("__MACOSX/cat/._a.png", [1]),
            ("$RECYCLE.BIN/a.png", TestImages.SolidPng(9, 9, 9)),
            ("System Volume Information/x", [1]),
            ("lost+found/", []),
            ("bear/", []),
            ("cat/a.png", TestImages.SolidPng(1, 1, 1)),
            ("cat/@eaDir/a.png", TestImages.SolidPng(9, 9, 9)),
            ("docs/readme.txt", "text"u8.ToArray()),
            ("zebra/b.png", TestImages.SolidPng(2, 2, 2)));
        using ImageSource source = ImageSource.Open(path);
        Assert.Equal(["cat", "zebra"], source.ClassNames);
        Assert.Equal((int?[])[0, 1], Enumerable.Range(0, source.Count).Select(source.Label));
        Assert.Equal(
            [
                $"{path}: 1 file left out: 1 text.",
                $"{path}: 8 hidden or generated folders left out: $RECYCLE.BIN, .ipynb_checkpoints, @eaDir, "
                + "System Volume Information and 4 more.",
                $"{path}: 2 folders without images are no classes: bear, docs.",
            ],
            source.Notices);
    }

    [Fact]
    public void A_class_of_pictures_that_cannot_be_read_keeps_its_number()
    {
        _folder.Write("ant/a.avif", Avif);
        _folder.Write("bee/b.png", TestImages.SolidPng(1, 1, 1));
        using ImageSource source = ImageSource.Open(_folder.Path);
        Assert.Equal(["ant", "bee"], source.ClassNames);
        Assert.Equal(1, source.Label(0));
        Assert.Equal([$"{_folder.Path}: 1 file left out: 1 AVIF."], source.Notices);
    }

    [Fact]
    public void A_folder_without_images_says_what_it_has()
    {
        _folder.Write("a.avif", Avif);
        _folder.Write("b.txt", "text"u8);
        Assert.Contains("no images here (2 files left out: 1 AVIF, 1 text)", Refusal(_folder.Path));
    }

    [LinuxFact]
    public void Pipes_and_broken_links_without_extension_are_left_out()
    {
        _folder.Write("b.png", TestImages.SolidPng(1, 1, 1));
        File.CreateSymbolicLink(_folder["broken"], _folder["nowhere"]);
        File.CreateSymbolicLink(_folder["device"], "/dev/zero");
        using ImageSource source = ImageSource.Open(_folder.Path);
        Assert.Equal([$"{_folder.Path}: 2 files left out: 2 unreadable."], source.Notices);
    }

    [Theory]
    [InlineData(@"cat\1.png", @"dog\2.png", "set.zip")]
    [InlineData("./cat/1.png", "./dog/2.png", "set.zip")]
    [InlineData("./cat/1.png", "./dog/2.png", "set.tar")]
    [InlineData(".//cat//./1.png", "dog/2.png", "set.zip")]
    public void Names_in_archives_may_be_written_in_other_ways(string first, string second, string name)
    {
        byte[] png = TestImages.SolidPng(1, 1, 1);
        string path = TestArchives.Write(
            _folder[name], (first, png), (second, png), ("../out.png", png), ("/etc/a.png", png));
        using ImageSource source = ImageSource.Open(path);
        Assert.Equal(["cat/1.png", "dog/2.png"], Enumerable.Range(0, source.Count).Select(source.Name));
        Assert.Equal(["cat", "dog"], source.ClassNames);
        Assert.Equal([$"{path}: 2 files left out: 2 outside of the archive."], source.Notices);
        using ImageSource cats = ImageSource.Open($"{path}/cat");
        Assert.Equal(1, cats.Count);
        Assert.Empty(cats.Notices);
    }

    [Fact]
    public void An_encrypted_zip_is_called_so()
    {
        string path = TestArchives.Write(_folder["set.zip"], ("cat/a.png", TestImages.SolidPng(1, 1, 1)));
        byte[] zip = File.ReadAllBytes(path);
        zip[zip.AsSpan().IndexOf("PK\u0003\u0004"u8) + 6] |= 1; // the flag of each of the entry's two headers
        zip[zip.AsSpan().IndexOf("PK\u0001\u0002"u8) + 8] |= 1;
        File.WriteAllBytes(path, zip);
        using ImageSource source = ImageSource.Open(path);
        string message = Assert.Throws<BitisException>(() => source.Read(0)).Message;
        Assert.Contains("a.png: the zip entry is encrypted", message);
    }

    private static string Refusal(string path) => Assert.Throws<BitisException>(() => ImageSource.Open(path)).Message;
}
