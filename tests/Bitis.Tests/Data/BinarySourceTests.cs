using System.IO.Compression;
using Bitis.Data;

namespace Bitis.Tests.Data;

/// <summary>CIFAR and IDX (MNIST) files.</summary>
public sealed class BinarySourceTests : IDisposable
{
    private const int PlaneLength = 32 * 32;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Cifar10_records_hold_a_label_and_three_planes()
    {
        _folder.Write("data_batch_1.bin", [.. Record(3, 10, 20, 30), .. Record(9, 1, 2, 3)]);
        _folder.Write("data_batch_2.bin", Record(0, 4, 5, 6));
        using ImageSource source = ImageSource.Open(_folder.Path);
        Assert.Equal(3, source.Count);
        Assert.Equal("data_batch_2.bin 0", source.Name(2));
        Assert.Equal((int?[])[3, 9, 0], Enumerable.Range(0, 3).Select(source.Label));
        Assert.Equal("cat", source.ClassNames![3]);
        PixelImage image = source.Read(2);
        Assert.Equal((32, 32), (image.Width, image.Height));
        Assert.Equal([4, 5, 6, 4, 5, 6], image.Pixels[..6].ToArray());
    }

    [Fact]
    public void Cifar100_counts_the_fine_label_and_finds_the_names()
    {
        _folder.Write("test.bin", [19, .. Record(99, 1, 2, 3)]);
        _folder.Write(
            "fine_label_names.txt",
            System.Text.Encoding.UTF8.GetBytes(string.Join('\n', Enumerable.Range(0, 100).Select(i => $"fine{i}"))));
        using ImageSource source = ImageSource.Open(_folder["test.bin"]);
        Assert.Equal(99, source.Label(0));
        Assert.Equal("fine99", source.ClassNames![99]);
        Assert.Equal([1, 2, 3], source.Read(0).Pixels[..3].ToArray());
    }

    [Fact]
    public void A_folder_with_both_parts_asks_for_one()
    {
        _folder.Write("data_batch_1.bin", Record(1, 1, 1, 1));
        _folder.Write("test_batch.bin", Record(2, 1, 1, 1));
        Assert.Contains($"{_folder.Path}/train or {_folder.Path}/test", Refusal(_folder.Path));
        using ImageSource test = ImageSource.Open(_folder["test"]);
        Assert.Equal(2, test.Label(0));
        using ImageSource train = ImageSource.Open(_folder["train"]);
        Assert.Equal(1, train.Label(0));
    }

    [Fact]
    public void Damaged_cifar_files_are_refused()
    {
        Assert.Contains(
            "not a whole number of CIFAR-10 records of 3073 bytes",
            Refusal(_folder.Write("test_batch.bin", new byte[3000])));
        Assert.Contains("not a whole number", Refusal(_folder.Write("other.bin", [])));
        Assert.Contains(
            "record 1 has the label 10 at byte 3073; 0 to 9",
            Refusal(_folder.Write("test_batch.bin", [.. Record(1, 1, 1, 1), .. Record(10, 1, 1, 1)])));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Idx_images_are_gray_and_find_their_labels(bool isGzipped)
    {
        string extension = isGzipped ? ".gz" : "";
        _folder.Write(
            "t10k-images-idx3-ubyte" + extension,
            Pack([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6], isGzipped));
        _folder.Write("t10k-labels-idx1-ubyte" + extension, Pack([0, 0, 8, 1, 0, 0, 0, 2, 7, 9], isGzipped));
        foreach (string path in
            (string[])[_folder.Path, _folder["test"], _folder["t10k-images-idx3-ubyte" + extension]])
        {
            using ImageSource source = ImageSource.Open(path);
            Assert.Equal(2, source.Count);
            LabeledImage image = source.ReadLabeled(1);
            Assert.Equal(9, image.Label);
            Assert.Equal((3, 1, 1), (image.Image.Width, image.Image.Height, image.Image.Channels));
            Assert.Equal([4, 5, 6], image.Image.Pixels.ToArray());
        }
    }

    [Theory]
    [InlineData(
        new byte[] { 0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5 },
        "2×1×3, which do not fit a file of 21 bytes")]
    [InlineData(new byte[] { 0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2 }, "goes on after the 1 value ")]
    [InlineData(new byte[] { 0, 0, 8, 3, 0, 0, 0, 1, 0, 0 }, "truncated")]
    [InlineData(new byte[] { 0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1 }, "0×1×1, which do not fit")]
    [InlineData(new byte[] { 0, 0, 8, 3, 127, 255, 255, 255, 127, 255, 255, 255, 127, 255, 255, 255 }, "do not fit")]
    [InlineData(new byte[] { 0, 0, 8, 3, 255, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1 }, "do not fit")]
    public void Damaged_idx_files_are_refused(byte[] file, string expected)
    {
        Assert.Contains(expected, Refusal(_folder.Write("train-images-idx3-ubyte", file)));
        Assert.Throws<BitisException>(
            () => ImageSource.Open(_folder.Write("train-images-idx3-ubyte.gz", Pack(file, isGzipped: true))));
    }

    [Fact]
    public void Labels_must_match_the_images()
    {
        string path = _folder.Write("train-images-idx3-ubyte", [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1]);
        string labels = _folder.Write("train-labels-idx1-ubyte", [0, 0, 8, 1, 0, 0, 0, 2, 7, 9]);
        Assert.Equal($"{labels}: 2 labels for 1 image in {path}.", Refusal(path));
        _folder.Write("train-labels-idx1-ubyte", [0, 0, 8, 3, 0, 0, 0, 2]);
        Assert.Contains("starts with 00000801", Refusal(path));
    }

    [Theory]
    [InlineData("folder")]
    [InlineData("set.zip")]
    [InlineData("set.tar")]
    [InlineData("set.tar.gz")]
    public void Published_sets_are_read_from_archives_and_wrapping_folders(string name)
    {
        string cifar = TestArchives.Write(
            _folder[name],
            ("cifar-10-batches-bin/batches.meta.txt", "airplane\n"u8.ToArray()),
            ("cifar-10-batches-bin/data_batch_1.bin", [.. Record(1, 10, 20, 30), .. Record(4, 1, 2, 3)]),
            ("cifar-10-batches-bin/data_batch_2.bin", Record(5, 4, 5, 6)),
            ("cifar-10-batches-bin/test_batch.bin", Record(2, 7, 8, 9)),
            ("cifar-10-batches-bin/readme.html", "<html>"u8.ToArray()));
        Assert.Contains($"{cifar}/train or {cifar}/test", Refusal(cifar));
        foreach (string path in (string[])[cifar, $"{cifar}/cifar-10-batches-bin"])
        {
            using ImageSource train = ImageSource.Open($"{path}/train"), test = ImageSource.Open($"{path}/test");
            Assert.Equal((int?[])[1, 4, 5], Enumerable.Range(0, train.Count).Select(train.Label));
            Assert.Equal([4, 5, 6], train.Read(2).Pixels[..3].ToArray());
            Assert.Equal((int?[])[2], Enumerable.Range(0, test.Count).Select(test.Label));
            Assert.Equal([7, 8, 9], test.Read(0).Pixels[..3].ToArray());
            Assert.Equal("CIFAR-10 (test_batch.bin), 1 image, 10 classes", test.Description);
        }
    }

    [Theory]
    [InlineData("MNIST")]
    [InlineData("set.zip")]
    [InlineData("set.tgz")]
    public void Torchvision_s_MNIST_has_files_twice(string name)
    {
        byte[] images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];
        byte[] labels = [0, 0, 8, 1, 0, 0, 0, 2, 7, 9];
        (string, byte[])[] files =
        [
            .. ((string[])["train", "t10k"]).SelectMany(part => ((string, byte[])[])
            [
                ($"raw/{part}-images-idx3-ubyte", images),
                ($"raw/{part}-images-idx3-ubyte.gz", TestArchives.Gzip(images)),
                ($"raw/{part}-labels-idx1-ubyte", labels),
                ($"raw/{part}-labels-idx1-ubyte.gz", TestArchives.Gzip(labels)),
            ]),
        ];
        string set = TestArchives.Write(_folder[name], files);
        Assert.Contains($"{set}/train or {set}/test", Refusal(set));
        foreach (string path in (string[])[$"{set}/train", $"{set}/raw/train", $"{set}/test", $"{set}/raw/test"])
        {
            using ImageSource source = ImageSource.Open(path);
            Assert.Equal((int?[])[7, 9], Enumerable.Range(0, source.Count).Select(source.Label));
            Assert.Equal([4, 5, 6], source.Read(1).Pixels.ToArray());
        }
    }

    [Fact]
    public void Two_sets_in_a_folder_are_told_apart()
    {
        _folder.Write("cifar-10-batches-bin/test_batch.bin", Record(1, 1, 1, 1));
        _folder.Write("cifar-100-binary/test.bin", [1, .. Record(2, 1, 1, 1)]);
        string cifar10 = _folder["cifar-10-batches-bin"], cifar100 = _folder["cifar-100-binary"];
        Assert.Contains($"several sets here; name one: {cifar10} or {cifar100}", Refusal(_folder.Path));
    }

    [Fact]
    public void A_file_of_a_known_name_among_images_is_no_set()
    {
        _folder.Write("cat/a.png", TestImages.SolidPng(1, 1, 1));
        _folder.Write("dog/test.bin", [0, 0, 1]);
        _folder.Write("dog/b.png", TestImages.SolidPng(1, 1, 1));
        using ImageSource source = ImageSource.Open(_folder.Path);
        Assert.Equal(["cat", "dog"], source.ClassNames);
        Assert.Equal([$"{_folder.Path}: 1 file left out: 1 unknown format."], source.Notices);
    }

    private static byte[] Record(byte label, byte red, byte green, byte blue) =>
    [
        label,
        .. Enumerable.Repeat(red, PlaneLength), .. Enumerable.Repeat(green, PlaneLength), .. Enumerable.Repeat(
            blue, PlaneLength),
    ];

    [Fact]
    public void A_gzipped_file_with_another_checksum_is_refused()
    {
        byte[] file = Pack([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6], isGzipped: true);
        file[^8] ^= 1; // the CRC-32, before the length
        string path = _folder.Write("train-images-idx3-ubyte.gz", file);
        Assert.Contains(path, Assert.Throws<BitisException>(() => ImageSource.Open(path)).Message);
    }

    private static byte[] Pack(byte[] data, bool isGzipped)
    {
        if (!isGzipped)
            return data;
        using var memory = new MemoryStream();
        using (var gzip = new GZipStream(memory, CompressionLevel.Fastest))
            gzip.Write(data);
        return memory.ToArray();
    }

    private static string Refusal(string path) => Assert.Throws<BitisException>(() => ImageSource.Open(path)).Message;
}
