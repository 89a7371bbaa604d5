using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Bitis.Files;

/// <summary>Decodes text files, which must be UTF-8, since other bytes would be lost.</summary>
internal static class InputText
{
    /// <summary>The text of a file, without a byte order mark.</summary>
    /// <param name="bytes">The file's contents.</param>
    /// <param name="file">The file's name in messages.</param>
    /// <exception cref="BitisException">The contents are not UTF-8; the message names the line.</exception>
    public static string Decode(ReadOnlySpan<byte> bytes, string file)
    {
        if (!Utf8.IsValid(bytes))
        {
            throw BitisException.InFile(
                file,
                $"line {LineOfDamage(bytes)}: this is not UTF-8. "
                + "Save the file as UTF-8, as text editors and spreadsheets can.");
        }
        ReadOnlySpan<byte> mark = Encoding.UTF8.Preamble;
        return Encoding.UTF8.GetString(bytes.StartsWith(mark) ? bytes[mark.Length..] : bytes);
    }

    private static int LineOfDamage(ReadOnlySpan<byte> bytes)
    {
        int line = 1;
        while (Rune.DecodeFromUtf8(bytes, out Rune rune, out int length) == OperationStatus.Done)
        {
            line += rune.Value == '\n' ? 1 : 0;
            bytes = bytes[length..];
        }
        return line;
    }
}
