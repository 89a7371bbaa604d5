using System.Formats.Tar;
using System.IO.Compression;
using Bitis.Data.Decoding;
using FsCheck;
using FsCheck.Fluent;
using NetVips;

namespace Bitis.Tests.Data;

/// <summary>
/// Files with flipped, cut, repeated and overwritten bytes: each is read, or refused with a
/// <see cref="BitisException"/>, in memory that its length bounds. <c>BITIS_FUZZ=n</c> runs n cases of each kind
/// instead of the default.
/// </summary>
[Trait(Speed.Name, Speed.Slow)]
public sealed class DataFuzzTests : IDisposable
{
    private static readonly int Cases =
        int.TryParse(Environment.GetEnvironmentVariable("BITIS_FUZZ"), out int cases) ? cases : 400;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("tiny.jpg")]
    [InlineData("progressive444.jpg")]
    [InlineData("cmyk.jpg")]
    [InlineData("palette.png")]
    [InlineData("rgba.png")]
    public void Damaged_images_decode_or_are_refused(string name)
    {
        byte[] original = GoldenImages.FileBytes(name);
        Fuzz(original, original.Length < 30_000 ? Cases : Cases / 4, bytes => ImageDecoder.Default.Decode(bytes, name));
    }

    [Fact]
    public void Damaged_bitmaps_decode_or_are_refused()
    {
        byte[][] files =
        [
            TestImages.Bmp(5, 3, 24, new byte[48]),
            TestImages.Bmp(5, 3, 8, new byte[24], 0, new byte[64]),
            TestImages.Bmp(2, 1, 32, new byte[8], 3, 0, 0xFF, 0, 0, 0, 0, 0xFF, 0, 0, 0, 0, 0xFF),
        ];
        foreach (byte[] file in files)
            Fuzz(file, Cases, bytes => ImageDecoder.Default.Decode(bytes, "a.bmp"));
    }

    [Fact]
    public void Damaged_small_pngs_decode_or_are_refused() => Fuzz(
        TestImages.Png(3, 2, 8, 3, [0, 1, 0, 1, 0, 0, 1, 0], interlaced: false, ("PLTE", [1, 2, 3, 4, 5, 6])),
        Cases,
        bytes => ImageDecoder.Default.Decode(bytes, "a.png"));

    [Fact]
    public void Pngs_with_any_header_and_valid_checksums_decode_or_are_refused() => Fuzz(
        [1, 2, 8, 2, 0, 1, 1, 1, 0, 2, 2, 2],
        Cases,
        bytes =>
        {
            byte[] parts = [.. bytes, 0, 0, 0, 0, 0];
            byte[] png = TestImages.Png(
                parts[0], parts[1], parts[2], parts[3], parts.AsSpan(4), interlaced: (parts[^5] & 1) != 0, (
                    "PLTE", parts[..(parts.Length / 3 * 3)]));
            ImageDecoder.Default.Decode(png, "a.png");
        });

    [Theory]
    [InlineData("webp")]
    [InlineData("gif")]
    [InlineData("tif")]
    public void Damaged_files_of_other_formats_decode_or_are_refused(string format)
    {
        byte[] noise = new byte[9 * 7 * 3];
        new Random(3).NextBytes(noise);
        using Image image = Image.NewFromMemoryCopy<byte>(noise, 9, 7, 3, Enums.BandFormat.Uchar);
        // These formats have no least number of bytes for a pixel.
        const long largest = 4L * ImageLimits.MaxPixels;
        byte[] file = image.WriteToBuffer($".{format}");
        Fuzz(file, Cases / 2, bytes => ImageDecoder.Default.Decode(bytes, format), largest);
    }

    [Fact]
    public void Damaged_label_files_open_or_are_refused()
    {
        _folder.Write("a.png", TestImages.SolidPng(1, 2, 3));
        _folder.Write("b.png", TestImages.SolidPng(1, 2, 3));
        FuzzSource("labels.csv", "file,class_index,name\r\n\"a.png\",7,\"x\"\"y\"\r\nb.png,1,z\n"u8.ToArray());
    }

    [Fact]
    public void Damaged_idx_files_open_or_are_refused()
    {
        byte[] idx = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        FuzzSource("train-images-idx3-ubyte", idx);
        using var memory = new MemoryStream();
        using (var gzip = new GZipStream(memory, CompressionLevel.Fastest))
            gzip.Write(idx);
        FuzzSource("train-images-idx3-ubyte.gz", memory.ToArray());
    }

    [Fact]
    public void Damaged_cifar_files_open_or_are_refused() => FuzzSource("test_batch.bin", new byte[3 * 3073]);

    [Fact]
    public void Damaged_zips_open_or_are_refused()
    {
        using var memory = new MemoryStream();
        using (var zip = new ZipArchive(memory, ZipArchiveMode.Create))
        {
            foreach (string name in (string[])["cat/a.png", "dog/b.png"])
            {
                using Stream entry = zip.CreateEntry(name).Open();
                entry.Write(TestImages.SolidPng(1, 2, 3));
            }
        }
        FuzzSource("set.zip", memory.ToArray());
    }

    [Theory]
    [InlineData("set.tar", TarEntryFormat.Ustar)]
    [InlineData("set.tar", TarEntryFormat.Pax)]
    [InlineData("set.tgz", TarEntryFormat.Gnu)]
    public void Damaged_tars_open_or_are_refused(string name, TarEntryFormat format)
    {
        byte[] tar = TestArchives.Tar(
            format,
            ($"cat/{new string('x', 120)}/a.png", TestImages.SolidPng(1, 2, 3)),
            ("dog/b", TestImages.SolidPng(1, 2, 3)));
        FuzzSource(name, name == "set.tgz" ? TestArchives.Gzip(tar) : tar);
    }

    [Theory]
    [InlineData("set.zip")]
    [InlineData("set.tar")]
    public void Damaged_binary_sets_in_archives_open_or_are_refused(string name)
    {
        byte[] images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];
        byte[] labels = TestArchives.Gzip([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]);
        string path = TestArchives.Write(
            _folder[name], ("raw/train-images-idx3-ubyte", images), ("raw/train-labels-idx1-ubyte.gz", labels));
        FuzzSource(name, File.ReadAllBytes(path));
    }

    [Theory]
    [InlineData(CifarPythonTests.Form.Python2)]
    [InlineData(CifarPythonTests.Form.Python3)]
    [InlineData(CifarPythonTests.Form.Buffers)]
    public void Damaged_batches_of_Python_open_or_are_refused(CifarPythonTests.Form form) =>
        FuzzSource("test_batch", CifarPythonTests.Batch(form, "labels", (3, 10), (9, 20)));

    private void FuzzSource(string name, byte[] original) => Fuzz(original, Cases, bytes =>
    {
        using ImageSource source = ImageSource.Open(_folder.Write(name, bytes));
        for (int i = 0; i < source.Count; i++)
            source.Read(i);
    });

    /// <summary>Runs the reader on mutations of a file, after it has shown that it can read the original.</summary>
    private static void Fuzz(byte[] original, int cases, Action<byte[]> read, long largest = 0)
    {
        read(original);
        Config config = Config.QuickThrowOnFailure.WithReplay(20_26, 11).WithMaxTest(cases);
        Check.One(config, Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
        {
            byte[] mutated = Mutate(original, new Random(seed));
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                read(mutated);
            }
            catch (BitisException e)
            {
                Assert.False(string.IsNullOrWhiteSpace(e.Message));
            }

            // A JPEG byte may stand for 512 pixels and a deflated one for 1032 bytes: the readers promise no more.
            long allowed = Math.Max(largest, 2_000_000 + mutated.Length * 1032L * 7);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, allowed);
        }));
    }

    private static byte[] Mutate(byte[] original, Random random)
    {
        byte[] bytes = [.. original];
        int edits = 1 + random.Next(4);
        for (int i = 0; i < edits && bytes.Length > 0; i++)
        {
            // Most damage near the start, where the headers are.
            int at = random.Next(3) == 0 ? random.Next(bytes.Length) : random.Next(Math.Min(bytes.Length, 128));
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.AsSpan(at, Math.Min(4, bytes.Length - at))
                        .Fill(random.Next(2) == 0 ? byte.MaxValue : (byte)0);
                    break;
                case 3:
                    bytes = bytes[..at];
                    break;
                case 4:
                    bytes = [.. bytes[..at], .. bytes[Math.Min(bytes.Length, at + 1 + random.Next(8))..]];
                    break;
                default:
                    bytes = [.. bytes[..at], .. bytes.AsSpan(at, Math.Min(16, bytes.Length - at)), .. bytes[at..]];
                    break;
            }
        }
        return bytes;
    }
}
