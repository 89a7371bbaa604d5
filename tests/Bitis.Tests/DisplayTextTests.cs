using System.Text.Json;

namespace Bitis.Tests;

/// <summary>Text from outside cannot steer a terminal, hide or reorder what is around it, or flood it.</summary>
public sealed class DisplayTextTests
{
    [Theory]
    [InlineData(0, "image", "0 images")]
    [InlineData(1, "image", "1 image")]
    [InlineData(2, "class", "2 classes")]
    [InlineData(1, "class", "1 class")]
    [InlineData(3, "batch", "3 batches")]
    [InlineData(3, "epoch", "3 epochs")]
    [InlineData(3, "copy", "3 copies")]
    [InlineData(3, "day", "3 days")]
    [InlineData(-1, "entry", "-1 entries")]
    [InlineData(12345678901, "byte", "12345678901 bytes")]
    public void A_number_of_things_has_its_form(long count, string thing, string expected) =>
        Assert.Equal(expected, DisplayText.Count(count, thing));

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8000)]
    [InlineData(10000)]
    [InlineData(50000)]
    public void Shares_are_rounded_as_their_counts_are(int images)
    {
        for (int correct = 0; correct <= images; correct++)
        {
            long hundredths = ((20_000L * correct) + images) / (2L * images); // half a hundredth is rounded up
            string expected = $"{hundredths / 100}.{hundredths % 100:00}";
            Assert.Equal(expected, DisplayText.Percent((double)correct / images));
        }
        Assert.Equal("86.68", DisplayText.Percent(6934 / 8000.0));
        Assert.Equal("-12.35", DisplayText.Percent(-0.12345));
    }

    [Fact]
    public void Names_of_our_parameters_are_not_shown()
    {
        ArgumentException cause = Cause([0]);
        Assert.Contains("(Parameter 'scales')", cause.Message);
        var shown = new BitisException($"a.bitis: {cause.Message}", cause);
        Assert.Equal("a.bitis: Scales must be positive.", shown.Message);

        static ArgumentException Cause(float[] scales) => new("Scales must be positive.", nameof(scales));
    }

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
        Assert.InRange(
            DisplayText.Of(new string('\u001b', 1000)).Length, DisplayText.NameLength, 6 * DisplayText.NameLength);
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
