using System.IO.Compression;
using Bitis.Data;

namespace Bitis.Tests.Data;

/// <summary>Image files in folders and zips.</summary>
public sealed class ImageFolderTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Class_folders_are_numbered_in_ordinal_order_and_may_be_deep()
    {
        _folder.Write("set/Zebra/a.png", TestImages.SolidPng(1, 1, 1));
        _folder.Write("set/apple/2020/b.PNG", TestImages.SolidPng(2, 2, 2));
        using ImageSource source = ImageSource.Open(_folder["set"]);
        Assert.Equal(["Zebra", "apple"], source.ClassNames);
        Assert.Empty(source.Notices);
        Assert.Equal(2, source.Count);
        Assert.Equal(("Zebra/a.png", 0), (source.Name(0), source.Label(0)));
        LabeledImage image = source.ReadLabeled(1);
        Assert.Equal(("apple/2020/b.PNG", 1), (image.Name, image.Label));
        Assert.Equal([2, 2, 2], image.Image.Pixels.ToArray());
    }

    [Fact]
    public void A_link_back_to_a_folder_above_it_is_left_out()
    {
        _folder.Write("set/cat/a.png", TestImages.SolidPng(1, 1, 1));
        _folder.Write("elsewhere/dogs/b.png", TestImages.SolidPng(2, 2, 2));
        Directory.CreateSymbolicLink(_folder["set/dog"], _folder["elsewhere/dogs"]);
        Directory.CreateSymbolicLink(_folder["alias"], "set");
        Directory.CreateSymbolicLink(_folder["set/cat/up"], "..");
        Directory.CreateSymbolicLink(_folder["set/cat/itself"], ".");
        Directory.CreateSymbolicLink(_folder["set/cat/further"], "../..");
        Directory.CreateSymbolicLink(_folder["set/back"], _folder.Path);
        Directory.CreateSymbolicLink(_folder["elsewhere/dogs/back"], _folder["alias"]);
        foreach (string path in (string[])[_folder["set"], _folder["set"] + "/", _folder["alias"]])
        {
            using ImageSource source = ImageSource.Open(path);
            Assert.Equal(["cat/a.png", "dog/b.png"], Enumerable.Range(0, source.Count).Select(source.Name));
            Assert.Equal(["cat", "dog"], source.ClassNames);
        }
    }

    [Fact]
    public void Images_in_too_many_folders_are_not_left_out()
    {
        string deep = $"a{string.Concat(Enumerable.Repeat("/x", 15))}";
        _folder.Write($"{deep}/a.png", TestImages.SolidPng(1, 1, 1));
        _folder.Write("b/b.png", TestImages.SolidPng(1, 1, 1));
        using ImageSource source = ImageSource.Open(_folder.Path);
        Assert.Equal(2, source.Count);
        _folder.Write($"{deep}/x/a.png", TestImages.SolidPng(1, 1, 1));
        Assert.Contains(
            "more than 16 folders deep", Assert.Throws<BitisException>(() => ImageSource.Open(_folder.Path)).Message);
    }

    [Fact]
    public void A_folder_of_images_has_no_labels()
    {
        _folder.Write("b.png", TestImages.SolidPng(2, 2, 2));
        _folder.Write("a.bmp", TestImages.Bmp(1, 1, 24, [7, 8, 9, 0]));
        using ImageSource source = ImageSource.Open(_folder.Path);
        Assert.Null(source.ClassNames);
        Assert.Null(source.Label(0));
        Assert.Equal(["a.bmp", "b.png"], Enumerable.Range(0, source.Count).Select(source.Name));
    }

    [Fact]
    public void One_image_is_a_set_of_one()
    {
        using ImageSource source = ImageSource.Open(_folder.Write("b.png", TestImages.SolidPng(2, 2, 2)));
        Assert.Equal(1, source.Count);
        Assert.Null(source.Label(0));
    }

    [Fact]
    public void Arrangements_that_could_be_misread_are_refused()
    {
        Assert.Contains("there are no images here", Refusal(_folder.Path));
        Assert.Contains("no such file or folder", Refusal(_folder["nowhere/at/all"]));
        Assert.Contains("no such file or folder", Refusal(""));
        _folder.Write("parts/train/cat/a.png", TestImages.SolidPng(1, 1, 1));
        _folder.Write("parts/test/cat/a.png", TestImages.SolidPng(1, 1, 1));
        string parts = $"are parts of a set, and no classes. Give one part: {_folder["parts"]}/test or "
            + $"{_folder["parts"]}/train.";
        Assert.Contains(parts, Refusal(_folder["parts"]));
        _folder.Write("parts/extra/a.png", TestImages.SolidPng(1, 1, 1)); // and no class either
        Assert.Contains(parts, Refusal(_folder["parts"]));
        _folder.Write("mixed/a.png", TestImages.SolidPng(1, 1, 1));
        _folder.Write("mixed/cat/a.png", TestImages.SolidPng(1, 1, 1));
        Assert.Contains("in folders and beside them ('a.png')", Refusal(_folder["mixed"]));
    }

    [Fact]
    public void A_damaged_image_is_reported_by_its_full_name()
    {
        _folder.Write("set/cat/a.jpg", "text"u8);
        using ImageSource source = ImageSource.Open(_folder["set"]);
        string message = Assert.Throws<BitisException>(() => source.Read(0)).Message;
        Assert.StartsWith($"{_folder["set"]}/cat/a.jpg: this is text, not an image", message);
    }

    [Theory]
    [InlineData("set.zip/test")]
    [InlineData("set.zip!test")]
    [InlineData("set.zip/test/")]
    public void A_path_may_go_on_inside_a_zip(string path)
    {
        WriteZip(
            "set.zip",
            ("train/cat/1.png", TestImages.SolidPng(1, 1, 1)),
            ("test/cat/2.png", TestImages.SolidPng(2, 2, 2)),
            ("test/dog/3.png", TestImages.SolidPng(3, 3, 3)));
        using ImageSource source = ImageSource.Open(_folder[path]);
        Assert.Equal(["cat", "dog"], source.ClassNames);
        Assert.Equal(1, source.Label(1));
        Assert.Equal([3, 3, 3], source.Read(1).Pixels.ToArray());
    }

    [Fact]
    public void A_zip_may_wrap_its_set_in_a_folder_and_hold_a_label_file()
    {
        WriteZip(
            "wrapped.zip",
            ("set/cat/2.png", TestImages.SolidPng(2, 2, 2)),
            ("set/dog/3.png", TestImages.SolidPng(3, 3, 3)),
            ("__MACOSX/set/._2.png", [1]));
        using ImageSource wrapped = ImageSource.Open(_folder["wrapped.zip"]);
        Assert.Equal(["cat", "dog"], wrapped.ClassNames);

        WriteZip(
            "labelled.zip",
            ("labels.csv", "file,label\na.png,5\n"u8.ToArray()),
            ("a.png", TestImages.SolidPng(2, 2, 2)));
        using ImageSource labelled = ImageSource.Open(_folder["labelled.zip"]);
        Assert.Equal(5, labelled.Label(0));
    }

    [Fact]
    public void Zips_without_images_or_that_are_damaged_are_refused()
    {
        WriteZip("empty.zip");
        Assert.Contains("there are no images here", Refusal(_folder["empty.zip"]));
        WriteZip("set.zip", ("cat/a.png", TestImages.SolidPng(1, 1, 1)), ("dog/a.png", TestImages.SolidPng(1, 1, 1)));
        Assert.Contains("no folder 'bird'", Refusal(_folder["set.zip/bird"]));
        byte[] zip = File.ReadAllBytes(_folder["set.zip"]);
        Assert.Contains("the zip file is damaged", Refusal(_folder.Write("cut.zip", zip.AsSpan(0, zip.Length - 30))));
    }

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Fastest)]
    public void A_changed_byte_in_a_zip_is_refused(CompressionLevel level)
    {
        byte[] bmp = TestImages.Bmp(16, 16, 24, TestImages.Noise(16, 16, seed: 1).Pixels.ToArray());
        WriteZip("set.zip", level, ("cat/a.bmp", bmp), ("dog/b.bmp", bmp));
        byte[] zip = File.ReadAllBytes(_folder["set.zip"]);
        using (ImageSource source = ImageSource.Open(_folder["set.zip"]))
            Assert.Equal(0, source.Label(0));
        zip[700] ^= 4; // a pixel of the first
        using ImageSource damaged = ImageSource.Open(_folder.Write("damaged.zip", zip));
        string message = Assert.Throws<BitisException>(() => damaged.Read(0)).Message;
        Assert.Contains($"{_folder["damaged.zip"]}/cat/a.bmp", message);
        Assert.Contains("damaged", message);
        Assert.Equal(1, damaged.Label(1));

        WriteZip("labels.zip", level, ("labels.csv", "file,label\na.bmp,5\n"u8.ToArray()), ("a.bmp", bmp));
        zip = File.ReadAllBytes(_folder["labels.zip"]);
        if (level == CompressionLevel.NoCompression)
        {
            zip[zip.AsSpan().IndexOf(",5\n"u8) + 1] ^= 1;
            string refusal = Refusal(_folder.Write("labels.zip", zip));
            Assert.Contains("labels.csv: the zip entry does not match its checksum", refusal);
        }
    }

    [Fact]
    public void A_zip_entry_that_claims_too_much_is_not_unpacked()
    {
        WriteZip("bomb.zip", ("a/a.png", new byte[5_000_000]), ("b/b.png", TestImages.SolidPng(1, 1, 1)));
        byte[] zip = File.ReadAllBytes(_folder["bomb.zip"]);

        // The entry's uncompressed length in the central directory, raised to almost 512 MB.
        int entry = zip.AsSpan().IndexOf("PK\u0001\u0002"u8);
        BitConverter.TryWriteBytes(zip.AsSpan(entry + 24), 0x1FFFFFFF);
        using ImageSource source = ImageSource.Open(_folder.Write("bomb.zip", zip));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("cannot hold", Assert.Throws<BitisException>(() => source.Read(0)).Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    private static string Refusal(string path) => Assert.Throws<BitisException>(() => ImageSource.Open(path)).Message;

    private void WriteZip(string name, params (string Name, byte[] Data)[] entries) =>
        WriteZip(name, CompressionLevel.Optimal, entries);

    private void WriteZip(string name, CompressionLevel level, params (string Name, byte[] Data)[] entries)
    {
        using ZipArchive zip = ZipFile.Open(_folder[name], ZipArchiveMode.Create);
        foreach ((string entryName, byte[] data) in entries)
        {
            using Stream stream = zip.CreateEntry(entryName, level).Open();
            stream.Write(data);
        }
    }
}
