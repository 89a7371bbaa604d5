using System.Buffers.Binary;
using System.IO.Compression;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Torch.Zip;

namespace Bitis.Tests.Checkpoints;

/// <summary>The directory of zip archives that the platform writes, and of damaged ones.</summary>
public sealed class ZipDirectoryTests : IDisposable
{
    private static readonly byte[] Contents = [.. Enumerable.Range(0, 1000).Select(i => (byte)(i / 100))];

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Entries_say_where_their_contents_lie()
    {
        byte[] archive = Zip(
            ("archive/data.pkl", CompressionLevel.NoCompression), ("archive/ä", CompressionLevel.Fastest));
        Dictionary<string, ZipEntry> entries = Read(archive);
        Assert.Equal(["archive/data.pkl", "archive/ä"], entries.Keys.Order(StringComparer.Ordinal));
        ZipEntry stored = entries["archive/data.pkl"], deflated = entries["archive/ä"];
        Assert.Equal(
            (false, 1000, 1000, 0), (stored.IsDeflated, stored.Length, stored.CompressedLength, stored.HeaderOffset));
        Assert.Equal((true, 1000), (deflated.IsDeflated, deflated.Length));
        Assert.InRange(deflated.CompressedLength, 10, 100);
        Assert.Equal("PK\x03\x04"u8, archive.AsSpan((int)deflated.HeaderOffset, 4));
        Assert.Equal(Crc32.Append(0, Contents), stored.Crc);
        Assert.Equal(stored.Crc, deflated.Crc);
    }

    [Fact]
    public void An_empty_archive_has_no_entries() => Assert.Empty(Read(Zip()));

    [Fact]
    public void A_comment_at_the_end_is_no_part_of_the_directory()
    {
        byte[] archive = [.. Zip(("a", CompressionLevel.NoCompression)), .. "a comment"u8];
        BinaryPrimitives.WriteUInt16LittleEndian(archive.AsSpan(archive.Length - 9 - 2), 9);
        Assert.Equal(["a"], Read(archive).Keys);
    }

    [Theory]
    [InlineData(8, 1, "encrypted")] // the flags
    [InlineData(10, 99, "compression method 99")]
    [InlineData(24, 1, "has the sizes")] // the length of what is stored as it is
    [InlineData(42, 0x7F, "lies outside of the file")] // where it begins, in the second byte
    [InlineData(0, 0, "entry 0 of its directory is broken")]
    [InlineData(28, 200, "cut off")] // the length of the name
    public void A_wrong_entry_is_refused(int offset, byte value, string expected)
    {
        byte[] archive = Zip(("a", CompressionLevel.NoCompression));
        int entry = archive.AsSpan().LastIndexOf("PK\x01\x02"u8);
        archive[entry + offset + (offset == 42 ? 1 : 0)] = value;
        Assert.Contains(expected, Assert.Throws<BitisException>(() => Read(archive)).Message);
    }

    [Theory]
    [InlineData(10, 3, "claims")] // more entries than the directory has room for
    [InlineData(12, 255, "outside of the file")] // its length
    [InlineData(0, 0, "missing")]
    public void A_wrong_end_is_refused(int offset, byte value, string expected)
    {
        byte[] archive = Zip(("a", CompressionLevel.NoCompression));
        archive[^(22 - offset)] = value;
        Assert.Contains(expected, Assert.Throws<BitisException>(() => Read(archive)).Message);
    }

    [Fact]
    public void Two_entries_of_one_name_or_place_are_refused()
    {
        byte[] archive = Zip(("a", CompressionLevel.NoCompression), ("b", CompressionLevel.NoCompression));
        int second = archive.AsSpan().LastIndexOf("PK\x01\x02"u8);
        byte[] named = [.. archive], placed = [.. archive];
        named[second + 46] = (byte)'a';
        Assert.Contains("'a' is there twice", Assert.Throws<BitisException>(() => Read(named)).Message);
        placed.AsSpan(second + 42, 4).Clear();
        Assert.Contains("overlaps", Assert.Throws<BitisException>(() => Read(placed)).Message);
    }

    [Fact]
    public void The_checksum_is_that_of_the_standard() => Assert.Equal(0xCBF43926, Crc32.Append(0, "123456789"u8));

    private Dictionary<string, ZipEntry> Read(byte[] archive)
    {
        using CheckpointFile file = CheckpointFile.Open(_folder.Write("archive.zip", archive));
        return ZipDirectory.Read(file);
    }

    private static byte[] Zip(params (string Name, CompressionLevel Level)[] entries)
    {
        using var memory = new MemoryStream();
        using (var zip = new ZipArchive(memory, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, CompressionLevel level) in entries)
            {
                using Stream stream = zip.CreateEntry(name, level).Open();
                stream.Write(Contents);
            }
        }
        return memory.ToArray();
    }
}
