using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Bitis.Cli.Input;
using Bitis.Data.Decoding;
using Bitis.Imaging.Formats;

namespace Bitis.Tests.Data;

/// <summary>
/// Small images and image sets that ask for endless work or memory; the bounds are those of docs/limits.md.
/// </summary>
public sealed class ImageBombTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Headers_that_claim_more_pixels_than_allowed_take_no_memory()
    {
        Cheap(() => Refused(TestImages.Png(20_000, 20_000, 1, 0, [0]), "at most 100 million are accepted"));
        Cheap(() => Refused(TestImages.Png(int.MaxValue, 1, 1, 0, [0]), "at most 100 million are accepted"));
        Cheap(() => Refused(TestImages.Png(9_000, 9_000, 8, 6, [0]), "cannot hold"));
        Cheap(() => Refused(TestImages.Bmp(9_000, 9_000, 24, new byte[4]), "truncated"));
        Cheap(() => Refused(TestImages.Bmp(int.MaxValue, int.MinValue, 1, new byte[4]), "at most 100 million"));
        Cheap(() => Refused(WithSize(GoldenImages.FileBytes("tiny.jpg"), 60_000, 60_000), "at most 100 million"));
        Cheap(() => Refused(WithSize(GoldenImages.FileBytes("tiny.jpg"), 9_900, 9_900), "cannot hold"));
    }

    [Fact]
    public void Pixels_that_nobody_sees_are_not_inflated()
    {
        // The data of a PNG of one pixel go on for a gigabyte of zeros: 16 MiB, then what repeats them over and over.
        byte[] block = Deflated(1 << 24);
        byte[] data = new byte[2 + (64 * block.Length)];
        (data[0], data[1]) = (0x78, 0x01);
        for (int i = 0; i < 64; i++)
            block.CopyTo(data, 2 + (i * block.Length));
        byte[] bomb = TestImages.PngOfData(1, 1, 8, 0, data);
        Assert.InRange(bomb.Length, 0, 12_000_000);
        Cheap(() => Refused(bomb, "data go on after its 1×1 pixels"), (4 << 20) + (3L * bomb.Length));
    }

    [Fact]
    public void A_large_png_is_decoded_although_it_is_looked_at_twice()
    {
        const int side = 512;
        byte[] rows = new byte[side * ((3 * side) + 1)];
        new Random(8).NextBytes(rows);
        for (int y = 0; y < side; y++)
            rows[y * ((3 * side) + 1)] = 0;
        byte[] png = TestImages.Png(side, side, 8, 2, rows);
        Assert.InRange(png.Length, 1 << 19, 1 << 20);
        PixelImage image = ImageDecoder.Default.Decode(png, "large.png");
        Assert.Equal(rows.AsSpan(1, 3 * side).ToArray(), image.Row(0).ToArray());
    }

    [Fact]
    public void Chunks_that_are_not_shown_are_not_inflated()
    {
        using var text = new MemoryStream();
        text.Write("x\0\0"u8);
        using (var zlib = new ZLibStream(text, CompressionLevel.Fastest, leaveOpen: true))
            zlib.Write(new byte[16 << 20]);
        byte[] bomb = TestImages.Png(
            1, 1, 8, 0, [0, 7], interlaced: false, ("zTXt", text.ToArray()), ("iCCP", text.ToArray()));
        Cheap(() => Assert.Equal(7, ImageDecoder.Default.Decode(bomb, "text.png").Pixels[0]));
    }

    [Fact]
    public void Scans_of_a_jpeg_are_counted()
    {
        Assert.Equal(1, JpegFile.CountScans(GoldenImages.FileBytes("tiny.jpg")));
        Assert.Equal(1, JpegFile.CountScans(GoldenImages.FileBytes("exif-rotate6.jpg")));
        byte[] progressive = GoldenImages.FileBytes("progressive444.jpg");
        int scans = JpegFile.CountScans(progressive);
        Assert.InRange(scans, 6, 12);

        // A segment that holds what looks like a scan is none; one that claims to go on after the end ends the count.
        Assert.Equal(0, JpegFile.CountScans([0xFF, 0xD8, 0xFF, 0xE1, 0, 6, 0xFF, 0xDA, 0, 2]));
        byte[] endless = [0xFF, 0xD8, 0xFF, 0xE1, 0, 6, 0xFF, 0xDA, 0, 2, 0xFF, 0xFF, 0xDA, 0xFF, 0xFF];
        Assert.Equal(1, JpegFile.CountScans(endless));
        Assert.Equal(0, JpegFile.CountScans([0xFF, 0xD8, 0xFF, 0x00, 0xFF]));
    }

    [Fact]
    public void Many_scans_of_a_large_jpeg_are_refused()
    {
        byte[] original = GoldenImages.FileBytes("progressive444.jpg");
        // Its last scan 500 times over, in a header of 95 million pixels, with bytes enough to hold them.
        int last = original.AsSpan().LastIndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]);
        byte[] scan = original[last..^2];
        List<byte> bomb = [.. original[..last]];
        for (int i = 0; i < 500; i++)
            bomb.AddRange(scan.AsSpan(0, Math.Min(scan.Length, 600)));
        bomb.AddRange([0xFF, 0xD9]);
        byte[] file = WithSize([.. bomb], 9_750, 9_750);
        Assert.InRange(file.Length, 200_000, 500_000);
        Cheap(() => Refused(file, "scans of 9750×9750 pixels; no camera or program makes as many"));
    }

    [Fact]
    public void An_image_of_one_row_is_resized_in_its_crop_only()
    {
        // The shorter side becomes 256, the longer one 256 million: only the crop is computed.
        byte[] file = TestImages.Png(1_000_000, 1, 1, 0, new byte[125_001]);
        PixelImage line = ImageDecoder.Default.Decode(file, "line.png");
        long before = GC.GetAllocatedBytesForCurrentThread();
        Preprocessing.ImageNet224.Apply(line);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 20);
    }

    [Fact]
    public void Entries_of_a_zip_that_share_their_bytes_are_refused()
    {
        byte[] file = Zip(
            [
                .. Enumerable.Range(0, 50).Select(
                    i => ($"cat/{i:D2}.bmp", TestImages.Bmp(200, 200, 24, new byte[120_000]))),
            ]);
        // Each directory entry is made that of the first file, whose bytes are enlarged to be most of the file.
        List<int> entries = Places(file, "PK\x01\x02"u8);
        foreach (int entry in entries)
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(entry + 20), file.Length / 10);
        string path = _folder.Write("set.zip", file);
        Assert.Contains("so they overlap", Assert.Throws<BitisException>(() => ImageSource.Open(path)).Message);
    }

    [Fact]
    public void Names_of_endless_folders_are_refused()
    {
        string name = string.Concat(Enumerable.Repeat("a/", 30_000)) + "x.png";
        string path = _folder.Write("deep.zip", Zip([(name, TestImages.SolidPng(1, 2, 3))]));
        Cheap(() => Assert.Contains(
            "more than 16 folders deep", Assert.Throws<BitisException>(() => ImageSource.Open(path)).Message));
    }

    [Fact]
    public void Many_tiny_entries_take_memory_in_proportion_to_the_directory()
    {
        byte[] file = Zip([.. Enumerable.Range(0, 5000).Select(i => ($"c/{i}.png", Array.Empty<byte>()))]);
        string path = _folder.Write("many.zip", file);
        long before = GC.GetAllocatedBytesForCurrentThread();
        using (ImageSource source = ImageSource.Open(path))
            Assert.Equal(5000, source.Count);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 32L * file.Length);
    }

    [Fact]
    public void An_entry_that_claims_more_than_its_bytes_can_hold_takes_no_memory()
    {
        byte[] file = Zip([("c/a.png", new byte[2000])]);
        int entry = Places(file, "PK\x01\x02"u8)[0];
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(entry + 24), 400 << 20);
        using ImageSource source = ImageSource.Open(_folder.Write("claim.zip", file));
        Cheap(() => Assert.Contains("cannot hold", Assert.Throws<BitisException>(() => source.Read(0)).Message));
    }

    [Fact]
    public void A_csv_line_without_end_and_rows_without_files_are_refused()
    {
        _folder.Write("a.png", TestImages.SolidPng(1, 2, 3));
        using (FileStream endless = File.Create(_folder["labels.csv"]))
            endless.SetLength(100_000_000); // a single line
        Cheap(() => Assert.Contains(
            "at most 67108864 are accepted", Assert.Throws<BitisException>(
                () => ImageSource.Open(_folder["labels.csv"])).Message));
        byte[] line = new byte[1 << 21];
        line.AsSpan().Fill((byte)',');
        RefusedSource("labels.csv", line, "line 1: more than 1000 values");
        byte[] rows = Encoding.UTF8.GetBytes("file,label\n" + string.Concat(Enumerable.Repeat("a\n", 1 << 17)));
        RefusedSource("labels.csv", rows, "more rows than the ");
        RefusedSource("labels.csv", [.. "file,label\n\""u8, .. line.AsSpan(0, 1 << 20)], "the quote is never closed");
    }

    [Fact]
    public void A_gzip_of_zeros_is_inflated_no_further_than_its_header_says()
    {
        byte[] header = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2];
        byte[] bomb = Gzip([.. header, .. new byte[8 << 20]]);
        string path = _folder.Write("train-images-idx3-ubyte.gz", bomb);
        Cheap(
            () => Assert.Contains(
                "goes on after the 4 values", Assert.Throws<BitisException>(() => ImageSource.Open(path)).Message));

        // The most that a byte of deflate can stand for is the most that a header may claim.
        byte[] claim = Gzip([0, 0, 8, 3, 0, 0, 255, 255, 0, 0, 1, 0, 0, 0, 1, 0]);
        path = _folder.Write("train-images-idx3-ubyte.gz", claim);
        Cheap(
            () => Assert.Contains(
                "which do not fit a file of", Assert.Throws<BitisException>(() => ImageSource.Open(path)).Message));
    }

    [Fact]
    public void Lists_and_settings_of_endless_length_are_refused()
    {
        string names = _folder.Write("names.txt", new byte[17 << 20]);
        Assert.Contains("more than 16 MiB", Assert.Throws<BitisException>(() => ClassNamesFile.Load(names, 3)).Message);
        string recipe = _folder.Write("recipe.json", Encoding.UTF8.GetBytes("{\"method\":" + new string('[', 50_000)));
        Assert.Contains("line 1, field 'method'", Assert.Throws<BitisException>(() => RecipeFile.Load(recipe)).Message);
        recipe = _folder.Write("recipe.json", new byte[2 << 20]);
        Assert.Contains(
            "this is more than 1048576 bytes long",
            Assert.Throws<BitisException>(() => RecipeFile.Load(recipe)).Message);
    }

    [Fact]
    public void A_device_without_end_is_not_read_for_ever()
    {
        if (!File.Exists("/dev/zero"))
            return;
        Cheap(() => Assert.Throws<BitisException>(() => ClassNamesFile.Load("/dev/zero", 3)), 64 << 20);
        Cheap(() => Assert.Throws<BitisException>(() => RecipeFile.Load("/dev/zero")));
        Cheap(() => Assert.Throws<BitisException>(() => ImageDecoder.Default.Load("/dev/zero")));
        Cheap(() => Assert.Throws<BitisException>(() => Bitis.Checkpoints.Checkpoint.Open("/dev/zero")));
    }

    /// <summary>Runs something that may take little memory only.</summary>
    private static void Cheap(Action run, long bytes = 4 << 20)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        run();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, bytes);
    }

    private static void Refused(byte[] file, string expected) =>
        Assert.Contains(
            expected, Assert.Throws<BitisException>(() => ImageDecoder.Default.Decode(file, "bomb")).Message);

    private void RefusedSource(string name, byte[] contents, string expected)
    {
        string path = _folder.Write(name, contents);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains(expected, Assert.Throws<BitisException>(() => ImageSource.Open(path)).Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (1 << 20) + (16L * contents.Length));
    }

    /// <summary>A JPEG file with another size in its frame header.</summary>
    private static byte[] WithSize(byte[] jpeg, ushort width, ushort height)
    {
        byte[] changed = [.. jpeg];
        int frame = Math.Max(
            jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]),
            jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC2]));
        BinaryPrimitives.WriteUInt16BigEndian(changed.AsSpan(frame + 5), height);
        BinaryPrimitives.WriteUInt16BigEndian(changed.AsSpan(frame + 7), width);
        return changed;
    }

    /// <summary>Zeros as deflate blocks that more blocks may follow.</summary>
    private static byte[] Deflated(int zeros)
    {
        using var stream = new MemoryStream();
        using var deflate = new DeflateStream(stream, CompressionLevel.SmallestSize, leaveOpen: true);
        deflate.Write(new byte[zeros]);
        deflate.Flush();
        return stream.ToArray();
    }

    private static byte[] Zip(params (string Name, byte[] Bytes)[] files)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create))
        {
            foreach ((string name, byte[] bytes) in files)
            {
                using Stream entry = archive.CreateEntry(name).Open();
                entry.Write(bytes);
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

    private static List<int> Places(byte[] file, ReadOnlySpan<byte> signature)
    {
        List<int> places = [];
        for (int i = 0; i + signature.Length <= file.Length; i++)
        {
            if (file.AsSpan(i).StartsWith(signature))
                places.Add(i);
        }
        return places;
    }
}
