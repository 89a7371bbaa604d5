using System.Text.Json;

namespace Bitis.Tests;

/// <summary>Text from outside cannot steer a terminal, hide or reorder what is around it, or flood it.</summary>
public sealed class DisplayTextTests
{
    [Theory]
    [InlineData("plain.weight", "plain.weight")]
    [InlineData("Käse 猫 🐈 «x» C:\\models", "Käse 猫 🐈 «x» C:\\models")]
    [InlineData("\u001b]0;owned\u0007", @"\u001b]0;owned\u0007")]
    [InlineData("a\nb\r\nc\td", @"a\u000ab\u000d\u000ac\u0009d")]
    [InlineData("\u009b31m\u007f", @"\u009b31m\u007f")]
    [InlineData("\u202egpj.exe\u2066\u200b\ufeff", @"\u202egpj.exe\u2066\u200b\ufeff")]
    [InlineData("a\u2028b\u2029", @"a\u2028b\u2029")]
    [InlineData("\U000E0041tag", @"\udb40\udc41tag")]
    [InlineData("\u3164\u2800", @"\u3164\u2800")]
    public void Control_and_format_characters_are_escaped(string text, string expected)
    {
        Assert.Equal(expected, DisplayText.Escape(text));
        Assert.Equal(expected, DisplayText.Escape(expected));
    }

    [Fact]
    public void Every_character_is_harmless_or_escaped()
    {
        for (int i = 0; i <= char.MaxValue; i++)
        {
            string shown = DisplayText.Escape($"{(char)i}");
            if (char.IsControl((char)i) || char.IsSurrogate((char)i))
                Assert.Equal($"\\u{i:x4}", shown);
            else
                Assert.True(shown == $"{(char)i}" || shown == $"\\u{i:x4}");
        }
        Assert.Equal(@"a\ud800", DisplayText.Escape("a\ud800"));
        Assert.Equal(@"\udc00b", DisplayText.Escape("\udc00b"));
    }

    [Fact]
    public void Ends_of_lines_stay_where_the_text_is_ours()
    {
        Assert.Equal("a\nb\r\nc\\u000dd", DisplayText.Escape("a\nb\r\nc\rd", keepLines: true));
        string json = JsonSerializer.Serialize("\u202e\u001b" + new string('x', 3)).Replace(@"\u202E", "\u202e");
        Assert.Equal("\u202e\u001bxxx", JsonSerializer.Deserialize<string>(DisplayText.Escape(json, keepLines: true)));
    }

    [Fact]
    public void Long_text_loses_its_middle()
    {
        string shown = DisplayText.Of("head" + new string('x', 20_000_000) + "tail");
        Assert.Equal(DisplayText.NameLength, shown.Length);
        Assert.StartsWith("headxx", shown);
        Assert.EndsWith("xxtail", shown);
        Assert.Contains("x…x", shown);
        Assert.Equal("", DisplayText.Of(null));
        Assert.InRange(DisplayText.Of(new string('\u001b', 1000)).Length, DisplayText.NameLength, 6 * DisplayText.NameLength);
    }

    [Fact]
    public void Messages_are_escaped_and_cut_where_they_are_made()
    {
        var e = BitisException.InFile("x\u001b[2J.pth", "the tensor '" + new string('n', 5_000_000) + "' is empty.");
        Assert.StartsWith(@"x\u001b[2J.pth: the tensor 'nnn", e.Message);
        Assert.EndsWith("nnn' is empty.", e.Message);
        Assert.Equal(DisplayText.MessageLength, e.Message.Length - @"\u001b".Length + 1);
        Assert.DoesNotContain('\n', new BitisException("a\nb", new IOException("c")).Message);
    }
}
