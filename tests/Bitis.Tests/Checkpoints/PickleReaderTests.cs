using Bitis.Checkpoints.Torch.Pickle;
using Bitis.Data.Sources;
using Builder = Bitis.Tests.Checkpoints.PickleBuilder;

namespace Bitis.Tests.Checkpoints;

/// <summary>The instructions of a pickle, one by one.</summary>
public sealed class PickleReaderTests
{
    public static TheoryData<string, object?> Values => new()
    {
        { "N.", null },
        { "\x88.", true },
        { "\x89.", false },
        { "I-42\n.", -42L },
        { "L42L\n.", 42L },
        { "K\xFF.", 255L },
        { "M\x01\x02.", 0x201L },
        { "J\xFE\xFF\xFF\xFF.", -2L },
        { "\x8A\x02\x00\x80.", -32768L },
        { "\x8A\x00.", 0L },
        { "F0.5\n.", 0.5 },
        { "G\xBF\xF0\0\0\0\0\0\0.", -1.0 },
        { "U\x02\xE4z.", "äz" },
        { "X\x02\0\0\0\xC3\xA4.", "ä" },
        { "\x8C\x01x.", "x" },
        { "Vtext\n.", "text" },
        { "S'text'\n.", "text" },
        { "C\x02\x01\x02.", new byte[] { 1, 2 } },
        { "K\x01K\x02\x86.", new object?[] { 1L, 2L } },
        { "(K\x01K\x02t.", new object?[] { 1L, 2L } },
        { ").", Array.Empty<object?>() },
        { "](K\x01K\x0002e.", new List<object?> { 1L, 2L } },
        { "]K\x0001a.", new List<object?> { 1L } },
        { "K\x01K\x02\x30.", 1L }, // POP
        { "K\x01(K\x02K\x03\x31.", 1L }, // POP_MARK
        { "K\x07q\x00\x30h\x00.", 7L }, // BINPUT, BINGET
        { "\x80\x04\x95\0\0\0\0\0\0\0\0K\x07\x94\x30h\x00.", 7L }, // FRAME, MEMOIZE
        { "K\x01.K\x02.", 1L }, // what follows the end is left alone
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void Every_instruction_gives_its_value(string latin1, object? expected) =>
        Assert.Equal(expected, Read(latin1));

    [Fact]
    public void Dictionaries_keep_their_order_and_their_last_values()
    {
        var dictionary = (PickleDictionary)Read("}(U\x0001bK\x01U\x0001aK\x02u.")!;
        Assert.Equal(["b", "a"], dictionary.Items.Select(item => item.Key));
        Assert.Equal([1L, 2L], dictionary.Items.Select(item => item.Value));
        Assert.Equal(2L, dictionary["a"]);
        Assert.Null(dictionary["c"]);
    }

    [Fact]
    public void Unknown_classes_become_inert_objects()
    {
        byte[] pickle = Builder.Of(Builder.Object("my.module", "Config", new() { ["lr"] = 0.5 }));
        PickleObject value = Assert.IsType<PickleObject>(Read(pickle));
        Assert.Equal("my.module.Config", value.Type.Name);
        Assert.Equal(0.5, value.Attributes!["lr"]);
    }

    [Theory]
    [InlineData("cposix\nsystem\n(U\x02lstR.", "posix.system")]
    [InlineData("cbuiltins\neval\n(U\x01xtR.", "builtins.eval")]
    public void What_could_do_harm_is_refused_by_name(string latin1, string expected) =>
        Assert.Contains(expected, Assert.Throws<BitisException>(() => Read(latin1)).Message);

    [Theory]
    [InlineData(".", "byte 0")] // nothing on the stack
    [InlineData("t.", "byte 0")] // no mark
    [InlineData("K\x01h\x09.", "byte 2")] // never stored
    [InlineData("K\x01\xFF.", "byte 2")] // no instruction
    [InlineData("X\xFF\xFF\xFF\x7F.", "byte 0")] // longer than the file
    public void Damage_is_refused_with_its_place(string latin1, string place)
    {
        BitisException e = Assert.Throws<BitisException>(() => Read(latin1));
        Assert.StartsWith($"file, part, {place}:", e.Message);
    }

    [Fact]
    public void A_pickle_that_is_cut_off_is_refused() =>
        Assert.StartsWith("file, part: the file ends", Assert.Throws<BitisException>(() => Read("K")).Message);

    private static object? Read(string latin1) => Read(System.Text.Encoding.Latin1.GetBytes(latin1));

    private static object? Read(byte[] pickle)
    {
        using DataFile file = DataFile.Of("file", pickle);
        return new PickleReader(new DataFileBytes(file), "file", "file, part", id => id).Read();
    }
}
