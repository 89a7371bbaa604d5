using System.Globalization;
using System.Text;

namespace Bitis;

/// <summary>Makes text from a file or a server safe to display.</summary>
/// <remarks>
/// Nothing in the result controls the terminal, reorders or hides what is around it, or starts a line of its own. Its
/// length is limited. Applying it twice changes nothing.
/// </remarks>
internal static class DisplayText
{
    /// <summary>How many characters of a name from outside are shown, such as a class, tensor or file.</summary>
    public const int NameLength = 200;

    /// <summary>How many characters of a message are shown, including its names.</summary>
    public const int MessageLength = 1200;

    /// <summary>Shortens and escapes a text.</summary>
    /// <param name="text">The text; null counts as empty.</param>
    /// <param name="length">
    /// How many characters remain. A longer text loses its middle. Escapes are not counted.
    /// </param>
    public static string Of(string? text, int length = NameLength) => Escape(Cut(text ?? "", length));

    /// <summary>
    /// Escapes characters that a terminal may obey or hide, in the form <c>\u001b</c> that JSON reads.
    /// </summary>
    /// <remarks>
    /// These are control characters (C0, DEL and C1), format characters (bidirectional overrides, zero width), line
    /// separators, blank letters, and lone surrogates.
    /// </remarks>
    /// <param name="text">The text.</param>
    /// <param name="keepLines">Whether ends of lines stay as they are.</param>
    public static string Escape(string text, bool keepLines = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        StringBuilder? escaped = null;
        int copied = 0;
        for (int i = 0; i < text.Length;)
        {
            bool isRune = Rune.TryGetRuneAt(text, i, out Rune rune);
            int count = isRune ? rune.Utf16SequenceLength : 1;
            if (isRune && (IsHarmless(rune) || (keepLines && IsLineEnd(text, i))))
            {
                i += count;
                continue;
            }
            escaped ??= new StringBuilder(text.Length + 16);
            escaped.Append(text, copied, i - copied);
            for (int end = i + count; i < end; i++)
                escaped.Append(CultureInfo.InvariantCulture, $"\\u{(int)text[i]:x4}");
            copied = i;
        }
        return escaped is null ? text : escaped.Append(text, copied, text.Length - copied).ToString();
    }

    /// <summary>A number of things: <c>1 image</c>, <c>2 images</c>, <c>3 classes</c>, <c>4 copies</c>.</summary>
    /// <param name="count">How many there are.</param>
    /// <param name="thing">The name of one of them.</param>
    public static string Count(long count, string thing)
    {
        ArgumentNullException.ThrowIfNull(thing);
        return string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? thing : Many(thing))}");
    }

    /// <summary>A share of 0 to 1 in percent with two decimals, such as <c>76.10</c>.</summary>
    /// <remarks>Half a hundredth is rounded up, away from zero.</remarks>
    public static string Percent(double share)
    {
        double percent = 100 * share;
        // As a decimal number, 6934 of 8000 are 86.675 %; as a double, they would be 86.67499999 %.
        return Math.Abs(percent) < 1e15
            ? string.Create(
                CultureInfo.InvariantCulture, $"{Math.Round((decimal)percent, 2, MidpointRounding.AwayFromZero):0.00}")
            : string.Create(CultureInfo.InvariantCulture, $"{percent:0.00}");
    }

    private static string Many(string thing) => thing switch
    {
        [.., 's' or 'x'] or [.., 't', 'c', 'h'] or [.., 's', 'h'] => thing + "es",
        [.., not ('a' or 'e' or 'i' or 'o' or 'u'), 'y'] => thing[..^1] + "ies",
        _ => thing + "s",
    };

    private static string Cut(string text, int length)
    {
        if (text.Length <= length)
            return text;
        int tail = length / 3, head = length - tail - 1;
        return $"{text[..head]}…{text[^tail..]}";
    }

    private static bool IsLineEnd(string text, int i) =>
        text[i] == '\n' || (text[i] == '\r' && i + 1 < text.Length && text[i + 1] == '\n');

    private static bool IsHarmless(Rune rune) => rune.IsAscii
        ? rune.Value is >= ' ' and < 0x7F
        : Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
        && rune.Value is not (0x034F or 0x115F or 0x1160 or 0x17B4 or 0x17B5 or 0x2800 or 0x3164 or 0xFFA0);
}
