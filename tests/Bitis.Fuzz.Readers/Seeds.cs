using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using NetVips;

namespace Bitis.Fuzz.Readers;

/// <summary>The inputs that fuzzing starts from: the smallest golden files, and tiny files of each format.</summary>
internal static class Seeds
{
    /// <summary>Larger files make fuzzing slow and find nothing more.</summary>
    private const int MaxSeedBytes = 150_000;

    /// <summary>The files that lie beside indexes; each has one tensor, of its own name.</summary>
    public static string[] Parts { get; } = ["a", "b"];

    /// <summary>A gray PNG of one pixel.</summary>
    public static byte[] Png { get; } = Convert.FromHexString(
        "89504E470D0A1A0A0000000D49484452000000010000000108000000003A7E9B550000000A49444154789C63680000008200817"
        + "7CD72B60000000049454E44AE426082");

    /// <summary>The pickle of a dictionary with two tensors, numbers and texts, as torch.save writes it.</summary>
    private static byte[] Pickle(bool legacy = false) => Encoding.Latin1.GetBytes(
        "\u0080\u0002}q\0(X\u0005\0\0\0modelq\u0001}q\u0002(" + Tensor("a", 2, 3, legacy) + Tensor("b", 3, 2, legacy)
        + "uX\u0005\0\0\0epochK\u0007X\u0002\0\0\0lrG?\u00E0\0\0\0\0\0\0"
        + "X\u0004\0\0\0listq\u0009](K\u0001K\u0002X\u0001\0\0\0xeu.");

    /// <summary>Writes the seeds of each target to a folder of its name.</summary>
    /// <param name="golden">The folder of golden files.</param>
    /// <param name="folder">Where to write.</param>
    public static void Write(string golden, string folder)
    {
        foreach (string target in Targets.All.Keys)
            Directory.CreateDirectory(Path.Combine(folder, target));
        void Put(string target, string name, byte[] bytes) =>
            File.WriteAllBytes(Path.Combine(folder, target, name), bytes);

        string small = Path.Combine(folder, "checkpoint", "small.safetensors");
        SafetensorsWriter.Write(
            small,
            [
                new("a", DType.Float32, [2, 3], new byte[24]),
                new("b", DType.Float16, [4], new byte[8]),
                new("c", DType.Int8, [], new byte[1]),
            ],
            new Dictionary<string, string> { ["k"] = "v" });
        Put("checkpoint", "small.pth", Archive(Pickle(), CompressionLevel.NoCompression));
        Put("checkpoint", "compressed.pth", Archive(Pickle(), CompressionLevel.Optimal));
        Put("checkpoint", "small.legacy.pth", Legacy());
        Put("image", "pixel.png", Png);
        using (Image image = Image.Black(4, 3, bands: 3))
        {
            Put("image", "pixels.webp", image.WebpsaveBuffer(lossless: true));
            Put("image", "pixels.gif", image.GifsaveBuffer());
            Put("image", "pixels.tif", image.TiffsaveBuffer(Enums.ForeignTiffCompression.Lzw));
        }
        Put("pickle", "small.pkl", Pickle());
        Put("index", "small", [.. """{"metadata":{"total_size":16},"weight_map":{"a":"a","b":"b"}}"""u8]);
        Put("source", "labels", [0, .. "file,class_index,name\r\n\"a.png\",7,\"x\"\"y\"\r\n"u8]);
        byte[] idx = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        Put("source", "idx", [1, .. idx]);
        Put("source", "idx-gz", [2, .. Gzip(idx)]);
        Put("source", "cifar", [3, .. new byte[2 * 3073]]);
        Put("source", "zip", [4, .. Zip(("cat/a.png", Png), ("dog/b.png", Png))]);
        Put("source", "idx-zip", [4, .. Zip(("raw/train-images-idx3-ubyte", idx))]);
        TarEntryFormat[] formats = [TarEntryFormat.Ustar, TarEntryFormat.Pax, TarEntryFormat.Gnu];
        foreach (TarEntryFormat format in formats)
        {
            byte[] tar = Tar(format, (new string('x', 101) + "/a.png", Png), ("dog/b.png", Png));
            Put("source", $"tar-{format}", [5, .. tar]);
            Put("source", $"tgz-{format}", [6, .. Gzip(tar)]);
        }
        Put("source", "cifar-python", [7, .. CifarPython()]);
        Put("source", "cifar-tar", [5, .. Tar(TarEntryFormat.Ustar, ("cifar/test_batch.bin", new byte[3073]))]);
        foreach (string file in Directory.EnumerateFiles(golden, "*", SearchOption.AllDirectories))
        {
            if (new FileInfo(file).Length > MaxSeedBytes)
                continue;
            string target = Path.GetExtension(file) switch
            {
                ".jpg" or ".png" or ".bmp" => "image",
                ".pth" or ".safetensors" => "checkpoint",
                ".bitis" => "model",
                ".pkl" => "pickle",
                _ => "",
            };
            if (target.Length > 0)
                Put(target, Path.GetFileName(file), File.ReadAllBytes(file));
        }
        foreach (string file in Directory.EnumerateFiles(golden, "vim-micro*.pth"))
            Put("model", Path.GetFileName(file), File.ReadAllBytes(file));
    }

    /// <summary>A PyTorch archive around a pickle, with one storage of six floats.</summary>
    public static byte[] Archive(byte[] pickle, CompressionLevel level)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] bytes) in
                ((string, byte[])[])[
                    ("data.pkl", pickle), ("byteorder", "little"u8.ToArray()), ("data/0", new byte[24])])
            {
                using Stream entry = archive.CreateEntry("archive/" + name, level).Open();
                entry.Write(bytes);
            }
        }
        return stream.ToArray();
    }

    /// <summary>A batch of CIFAR with one image, as Python 2 writes it.</summary>
    private static byte[] CifarPython() =>
    [
        .. Encoding.Latin1.GetBytes(
            "\u0080\u0002}q\u0001(U\u0006labelsq\u0002]q\u0003(K\u0007eU\u0004dataq\u0004"
            + "cnumpy.core.multiarray\n_reconstruct\n"
            + "cnumpy\nndarray\nK\0\u0085U\u0001b\u0087R(K\u0001K\u0001M\0\u000C\u0086"
            + "cnumpy\ndtype\nU\u0002u1K\0K\u0001\u0087R"
            + "(K\u0003U\u0001|NNNJ\u00FF\u00FF\u00FF\u00FFJ\u00FF\u00FF\u00FF\u00FFK\0tb\u0089T\0\u000C\0\0"),
        .. new byte[3072],
        .. "tbu."u8,
    ];

    private static byte[] Legacy() =>
    [
        .. Encoding.Latin1.GetBytes(
            "\u0080\u0002\u008A\nl\u00FC\u009CF\u00F9 "
            + "j\u00A8P\u0019.\u0080\u0002M\u00E9\u0003.\u0080\u0002}X\u000D\0\0\0little_endian\u0088s."),
        .. Pickle(legacy: true),
        .. Encoding.Latin1.GetBytes("\u0080\u0002]X\u0001\0\0\00a."),
        .. BitConverter.GetBytes(6L),
        .. new byte[24],
    ];

    private static string Tensor(string name, int rows, int columns, bool legacy) =>
        $"X\u0001\0\0\0{name}ctorch._utils\n_rebuild_tensor_v2\n((X\u0007\0\0\0storage"
        + $"ctorch\nFloatStorage\nX\u0001\0\0\00X\u0003\0\0\0cpuK\u0006{(legacy ? "N" : "")}tQ"
        + $"K\0K{(char)rows}K{(char)columns}\u0086K{(char)columns}K\u0001\u0086\u0089ccollections\nOrderedDict\n)RtR";

    private static byte[] Zip(params (string Name, byte[] Bytes)[] files)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] bytes) in files)
            {
                using Stream entry = archive.CreateEntry(name).Open();
                entry.Write(bytes);
            }
        }
        return stream.ToArray();
    }

    private static byte[] Tar(TarEntryFormat format, params (string Name, byte[] Bytes)[] files)
    {
        using var stream = new MemoryStream();
        using (var writer = new TarWriter(stream, format, leaveOpen: true))
        {
            foreach ((string name, byte[] bytes) in files)
            {
                using var data = new MemoryStream(bytes);
                TarEntry entry = format switch
                {
                    TarEntryFormat.Ustar => new UstarTarEntry(TarEntryType.RegularFile, name),
                    TarEntryFormat.Gnu => new GnuTarEntry(TarEntryType.RegularFile, name),
                    _ => new PaxTarEntry(TarEntryType.RegularFile, name),
                };
                entry.DataStream = data;
                writer.WriteEntry(entry);
            }
        }
        return stream.ToArray();
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using var stream = new MemoryStream();
        using (var gzip = new GZipStream(stream, CompressionLevel.Fastest))
            gzip.Write(bytes);
        return stream.ToArray();
    }
}
