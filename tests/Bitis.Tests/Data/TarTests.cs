using System.Formats.Tar;
using System.Text;
using Bitis.Data.Sources;
using Bitis.Data.Sources.Trees;

namespace Bitis.Tests.Data;

/// <summary>Image sets in tar archives, plain and compressed with gzip.</summary>
public sealed class TarTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(TarEntryFormat.V7, 60)]
    [InlineData(TarEntryFormat.Ustar, 60)]
    [InlineData(TarEntryFormat.Ustar, 150)]
    [InlineData(TarEntryFormat.Pax, 60)]
    [InlineData(TarEntryFormat.Pax, 200)]
    [InlineData(TarEntryFormat.Gnu, 60)]
    [InlineData(TarEntryFormat.Gnu, 200)]
    public void All_forms_are_read(TarEntryFormat format, int nameLength)
    {
        string deep = $"cat/{new string('x', 50)}/{new string('y', Math.Max(1, nameLength - 60))}";
        byte[] tar = TestArchives.Tar(
            format,
            ("cat/", []),
            ("dog/b.png", TestImages.SolidPng(2, 2, 2)),
            ($"{deep}/ä.png", TestImages.SolidPng(1, 1, 1)));
        (string, byte[])[] files = [("a.tar", tar), ("a.tar.gz", TestArchives.Gzip(tar)), ("plain", tar)];
        foreach ((string name, byte[] bytes) in files)
        {
            string path = _folder.Write(name, bytes);
            using ImageSource source = ImageSource.Open(path);
            Assert.Equal([$"{deep}/ä.png", "dog/b.png"], Enumerable.Range(0, source.Count).Select(source.Name));
            Assert.Equal(["cat", "dog"], source.ClassNames);
            Assert.Equal(1, source.Read(0).Pixels[0]);
            Assert.Equal(2, source.Read(1).Pixels[0]);
            using ImageSource inside = ImageSource.Open($"{path}/dog");
            Assert.Equal(["b.png"], [inside.Name(0)]);
        }
        Assert.Contains("no folder 'bird'", Refusal($"{_folder["a.tar"]}/bird"));
    }

    [Fact]
    public void A_label_file_may_be_in_an_archive()
    {
        string path = TestArchives.Write(
            _folder["set.tgz"],
            ("labels.csv", "file,label\na.png,5\n"u8.ToArray()),
            ("a.png", TestImages.SolidPng(2, 2, 2)));
        using ImageSource source = ImageSource.Open(path);
        Assert.Equal(5, source.Label(0));
    }

    [Fact]
    public void Links_and_names_that_lead_out_are_left_out()
    {
        using var memory = new MemoryStream();
        using (var writer = new TarWriter(memory, leaveOpen: true))
        {
            WriteFile(writer, "cat/a.png", TestImages.SolidPng(1, 1, 1));
            writer.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "cat/b.png") { LinkName = "/etc/passwd" });
            writer.WriteEntry(new PaxTarEntry(TarEntryType.HardLink, "dog/c.png") { LinkName = "cat/a.png" });
            writer.WriteEntry(new PaxTarEntry(TarEntryType.Fifo, "dog/d.png"));
            foreach (string name in (string[])["/abs/e.png", "../f.png", "cat/../../g.png", "C:/h.png", @"..\i.png"])
                WriteFile(writer, name, [1]);
        }
        string path = _folder.Write("set.tar", memory.ToArray());
        using ImageSource source = ImageSource.Open(path);
        Assert.Equal(["cat/a.png"], Enumerable.Range(0, source.Count).Select(source.Name));
        Assert.Equal(["cat"], source.ClassNames);
        Assert.Equal([$"{path}: 8 files left out: 5 outside of the archive, 2 links, 1 special file."], source.Notices);
    }

    [Fact]
    public void A_later_file_takes_the_place_of_an_earlier_one()
    {
        string path = TestArchives.Write(
            _folder["set.tar"], ("a.png", TestImages.SolidPng(1, 1, 1)), ("a.png", TestImages.SolidPng(2, 2, 2)));
        using ImageSource source = ImageSource.Open(path);
        Assert.Equal(1, source.Count);
        Assert.Equal(2, source.Read(0).Pixels[0]);
    }

    [Fact]
    public void An_archive_that_was_cut_off_is_refused()
    {
        byte[] tar = TestArchives.Tar(
            TarEntryFormat.Ustar,
            ("cat/a.png", TestImages.SolidPng(1, 1, 1)),
            ("dog/b.png", TestImages.SolidPng(2, 2, 2)));
        for (int length = 512; length <= tar.Length - 1024; length += 64)
            Assert.Contains("was cut off", Refusal(_folder.Write("cut.tar", tar.AsSpan(0, length))));
        byte[] gzip = TestArchives.Gzip(tar);
        for (int length = gzip.Length / 2; length < gzip.Length; length++)
            Assert.Contains("was cut off. Download", Refusal(_folder.Write("cut.tar.gz", gzip.AsSpan(0, length))));
    }

    [Fact]
    public void A_changed_header_or_checksum_is_refused()
    {
        byte[] tar = TestArchives.Tar(
            TarEntryFormat.Ustar, ("a.png", TestImages.SolidPng(1, 1, 1)), ("b.png", TestImages.SolidPng(2, 2, 2)));
        tar[1024] ^= 1;
        Assert.Contains("no header at byte 1024", Refusal(_folder.Write("a.tar", tar)));
        byte[] plain = TestArchives.Tar(TarEntryFormat.Ustar, ("a.png", TestImages.SolidPng(1, 1, 1)));
        byte[] gzip = TestArchives.Gzip(plain);
        gzip[^8] ^= 1;
        Assert.Contains("the gzip file is damaged", Refusal(_folder.Write("a.tgz", gzip)));
    }

    [Fact]
    public void Claims_of_a_header_take_no_memory()
    {
        foreach (char type in "0xL")
        {
            byte[] tar = TestArchives.Tar(TarEntryFormat.Ustar, ("a.png", [1]));
            Encoding.ASCII.GetBytes("17777777777", tar.AsSpan(124));
            tar[156] = (byte)type;
            SetChecksum(tar.AsSpan(0, 512));
            (string, byte[])[] files = [("a.tar", tar), ("a.tgz", TestArchives.Gzip(tar))];
            foreach ((string name, byte[] bytes) in files)
            {
                string path = _folder.Write(name, bytes);
                long before = GC.GetAllocatedBytesForCurrentThread();
                Assert.Contains("was cut off", Refusal(path));
                Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200_000);
            }
        }
    }

    [Fact]
    public void A_long_comment_is_refused()
    {
        byte[] tar = [.. new byte[512], .. new byte[4 << 20], .. new byte[1024]];
        TestArchives.Tar(TarEntryFormat.Ustar, ("a.png", [1])).AsSpan(0, 512).CopyTo(tar);
        Encoding.ASCII.GetBytes("00020000000", tar.AsSpan(124)); // 4 MiB
        tar[156] = (byte)'x';
        SetChecksum(tar.AsSpan(0, 512));
        Assert.Contains("name or comment of 4194304 bytes", Refusal(_folder.Write("a.tar", tar)));
    }

    [Fact]
    public void A_compressed_archive_takes_the_memory_of_its_contents_only()
    {
        byte[] gzip = TestArchives.Gzip(TestArchives.Tar(TarEntryFormat.Ustar, ("a.png", new byte[3_000_000])));
        BitConverter.TryWriteBytes(gzip.AsSpan(gzip.Length - 4), uint.MaxValue); // what it claims to be
        string path = _folder.Write("a.tgz", gzip);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Refusal(path);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1032L * gzip.Length + 200_000);
    }

    [Fact]
    public void What_unpacks_to_more_than_is_accepted_is_refused_on_the_way()
    {
        byte[] gzip = TestArchives.Gzip(new byte[50_000_000]);
        DataFile file = DataFile.Of("a.tgz", gzip);
        Assert.Equal(50_000_000, GzipFile.Inflate(file, 50_000_000, "too long").Length);
        long before = GC.GetAllocatedBytesForCurrentThread();
        BitisException e = Assert.Throws<BitisException>(() => GzipFile.Inflate(file, 1_000_000, "too long"));
        Assert.Equal("a.tgz: too long", e.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_200_000);
        // Two members, of which the last states its own length only.
        byte[] two = [.. TestArchives.Gzip([1, 2, 3]), .. TestArchives.Gzip(new byte[100_000])];
        ReadOnlySpan<byte> both = GzipFile.Inflate(DataFile.Of("two.gz", two), 1_000_000, "too long").Span;
        Assert.Equal(100_003, both.Length);
        Assert.Equal([1, 2, 3, 0], both[..4].ToArray());
    }

    private static void WriteFile(TarWriter writer, string name, byte[] data) =>
        writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(data) });

    private static void SetChecksum(Span<byte> header)
    {
        header.Slice(148, 8).Fill((byte)' ');
        int sum = 0;
        foreach (byte value in header)
            sum += value;
        Encoding.ASCII.GetBytes($"{Convert.ToString(sum, 8).PadLeft(6, '0')}\0 ", header[148..]);
    }

    private static string Refusal(string path) => Assert.Throws<BitisException>(() => ImageSource.Open(path)).Message;
}
