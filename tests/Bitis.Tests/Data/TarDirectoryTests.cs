using System.Formats.Tar;
using System.Text;
using Bitis.Data.Sources;
using Bitis.Data.Sources.Trees;
using TarEntry = Bitis.Data.Sources.Trees.TarEntry;

namespace Bitis.Tests.Data;

/// <summary>The entries of tar archives that the platform writes, and of damaged ones.</summary>
public sealed class TarDirectoryTests
{
    private const int Block = 512;

    [Theory]
    [InlineData(TarEntryFormat.V7)]
    [InlineData(TarEntryFormat.Ustar)]
    [InlineData(TarEntryFormat.Pax)]
    [InlineData(TarEntryFormat.Gnu)]
    public void Entries_say_where_their_contents_lie(TarEntryFormat format)
    {
        byte[] tar = TestArchives.Tar(format, ("cat/", []), ("cat/a", "hello"u8.ToArray()), ("b", new byte[Block]));
        Assert.True(TarDirectory.Recognizes(tar));
        List<TarEntry> entries = Read(tar);
        Assert.Equal(
            [("cat/", true), ("cat/a", false), ("b", false)], entries.Select(entry => (entry.Name, entry.IsFolder)));
        Assert.Equal("hello", Encoding.UTF8.GetString(tar, (int)entries[1].Offset, (int)entries[1].Length));
        Assert.Equal(Block, entries[2].Length);
        Assert.All(entries, entry => Assert.Null(entry.LeftOut));
        Assert.All(entries, entry => Assert.Equal(0, entry.Offset % Block));
    }

    [Theory]
    [InlineData('1', "link")]
    [InlineData('2', "link")]
    [InlineData('3', "special file")]
    [InlineData('6', "special file")]
    public void Links_and_devices_are_named(char type, string leftOut)
    {
        TarEntry entry = Assert.Single(Read([.. Header("x", type, "0"), .. new byte[2 * Block]]));
        Assert.Equal(leftOut, entry.LeftOut);
    }

    [Fact]
    public void A_length_may_be_binary()
    {
        byte[] header = Header("x", '0', "0");
        header.AsSpan(124, 12).Clear();
        (header[124], header[135]) = (0x80, 5);
        Sign(header);
        Assert.Equal(5, Read([.. header, .. new byte[3 * Block]])[0].Length);
    }

    [Fact]
    public void Damage_is_told_from_a_missing_end()
    {
        byte[] header = Header("x", '0', "3"), wrong = Header("x", '0', "9z");
        byte[] unsigned = [.. header];
        unsigned[0]++;
        Assert.False(TarDirectory.Recognizes(unsigned));
        Assert.False(TarDirectory.Recognizes(header.AsSpan(0, Block - 1)));
        Assert.Contains("no header at byte 0", Refusal(unsigned));
        Assert.Contains("at byte 0 is no number", Refusal([.. wrong, .. new byte[Block]]));
        Assert.Contains("after 0 entries; it was cut off", Refusal(header));
        Assert.Contains("after 1 entry; it was cut off", Refusal([.. header, .. new byte[Block]]));
    }

    private static string Refusal(byte[] tar) => Assert.Throws<BitisException>(() => Read(tar)).Message;

    private static List<TarEntry> Read(byte[] tar)
    {
        using DataFile file = DataFile.Of("set.tar", tar);
        return TarDirectory.Read(file, CancellationToken.None);
    }

    private static byte[] Header(string name, char type, string octalLength)
    {
        byte[] header = new byte[Block];
        Encoding.ASCII.GetBytes(name, header);
        Encoding.ASCII.GetBytes(octalLength, header.AsSpan(124));
        header[156] = (byte)type;
        Sign(header);
        return header;
    }

    /// <summary>The sum of all bytes, its own eight counted as blanks.</summary>
    private static void Sign(byte[] header)
    {
        header.AsSpan(148, 8).Fill((byte)' ');
        int sum = header.Sum(value => value);
        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ", header.AsSpan(148));
    }
}
