using System.Globalization;
using System.Text;

namespace Bitis.Data.Sources.Trees;

/// <summary>Lists what is in a tar archive: ustar, pax, GNU and the old form.</summary>
/// <remarks>
/// The platform's own reader is not used, since it takes memory for what a header claims before it has read it, and
/// accepts archives that were cut off. Work: a block for each entry. Memory: names and comments, at most 1 MiB each.
/// </remarks>
internal static class TarDirectory
{
    private const int BlockLength = 512, ChecksumOffset = 148, ChecksumLength = 8, MaxTextLength = 1 << 20;

    /// <summary>Whether a file starts as tar archives do: with a header whose checksum is right.</summary>
    public static bool Recognizes(ReadOnlySpan<byte> start) =>
        start.Length >= BlockLength && start[0] != 0 && HasChecksum(start[..BlockLength]);

    /// <summary>Lists an archive to its end.</summary>
    /// <param name="file">The archive.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="BitisException">It is damaged or cut off.</exception>
    public static List<TarEntry> Read(DataFile file, CancellationToken cancellationToken)
    {
        var entries = new List<TarEntry>();
        byte[] header = new byte[BlockLength];
        string? longName = null;
        long? longLength = null;
        long position = 0;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (position > file.Length - BlockLength)
                throw CutOff(file, entries);
            file.ReadExactly(header, position);
            if (!header.AsSpan().ContainsAnyExcept((byte)0))
                return entries;
            if (!HasChecksum(header))
            {
                throw BitisException.InFile(
                    file.Name, $"the tar archive is damaged: there is no header at byte {position}.");
            }
            long length = Number(header.AsSpan(124, 12)) ?? throw Damaged(file, position);
            char type = (char)header[156];
            bool isText = type is 'L' or 'K' or 'x' or 'g' or 'X';
            if (!isText)
                length = longLength ?? length;
            long start = position + BlockLength;
            if (length > file.Length - start)
                throw CutOff(file, entries);
            position = start + (length + BlockLength - 1) / BlockLength * BlockLength;
            if (isText)
            {
                string text = ReadText(file, start, length);
                if (type is 'L')
                {
                    longName = text.TrimEnd('\0');
                }
                else if (type is 'x' or 'X')
                {
                    longName = PaxValue(text, "path") ?? longName;
                    longLength = PaxLength(text, file, start) ?? longLength;
                }
                continue;
            }
            string name = longName ?? ShortName(header);
            bool isFolder = type is '5' || (type is '0' or '\0' && name.EndsWith('/'));
            string? leftOut = type switch
            {
                '0' or '\0' or '7' or '5' => null,
                '1' or '2' => "link",
                _ => "special file",
            };
            entries.Add(new TarEntry(name, start, length, isFolder, leftOut));
            (longName, longLength) = (null, null);
        }
    }

    /// <summary>The sum of a header's bytes, those of the sum itself counted as blanks.</summary>
    private static bool HasChecksum(ReadOnlySpan<byte> header)
    {
        long sum = ChecksumLength * ' ';
        for (int i = 0; i < BlockLength; i++)
            sum += i is >= ChecksumOffset and < ChecksumOffset + ChecksumLength ? 0 : header[i];
        return Number(header.Slice(ChecksumOffset, ChecksumLength)) == sum;
    }

    /// <summary>An octal number with blanks around it, or a binary one marked by the first bit.</summary>
    private static long? Number(ReadOnlySpan<byte> field)
    {
        long number = 0;
        if ((field[0] & 0x80) != 0)
        {
            foreach (byte value in field[^8..])
                number = (number << 8) | value;
            return field[0] == 0x80 && number >= 0 ? number : null;
        }
        field = field.Trim(" \0"u8);
        foreach (byte digit in field)
        {
            if (digit is < (byte)'0' or > (byte)'7')
                return null;
            number = (number << 3) | (uint)(digit - '0');
        }
        return number;
    }

    private static string ShortName(ReadOnlySpan<byte> header)
    {
        string name = Text(header[..100]);
        bool hasPrefix = header.Slice(257, 6).SequenceEqual("ustar\0"u8) && header[345] != 0;
        return hasPrefix ? $"{Text(header.Slice(345, 155))}/{name}" : name;
    }

    private static string Text(ReadOnlySpan<byte> field)
    {
        int end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }

    private static string ReadText(DataFile file, long start, long length)
    {
        if (length > MaxTextLength)
        {
            throw BitisException.InFile(
                file.Name,
                $"the tar archive has a name or comment of {length} bytes at byte {start}; "
                + $"at most {MaxTextLength} are accepted.");
        }
        byte[] text = new byte[length];
        file.ReadExactly(text, start);
        return Encoding.UTF8.GetString(text);
    }

    /// <summary>A value of lines such as <c>24 path=some/long/name</c>; the last one counts.</summary>
    private static string? PaxValue(string text, string key)
    {
        string? value = null;
        foreach (string line in text.Split('\n'))
        {
            int blank = line.IndexOf(' ', StringComparison.Ordinal);
            if (line.AsSpan(blank + 1).StartsWith($"{key}=", StringComparison.Ordinal))
                value = line[(blank + 1 + key.Length + 1)..];
        }
        return value;
    }

    private static long? PaxLength(string text, DataFile file, long position)
    {
        if (PaxValue(text, "size") is not { } size)
            return null;
        return long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out long length)
            ? length
            : throw Damaged(file, position);
    }

    private static BitisException Damaged(DataFile file, long position) =>
        BitisException.InFile(
            file.Name, $"the tar archive is damaged: the length in the header at byte {position} is no number.");

    private static BitisException CutOff(DataFile file, List<TarEntry> entries) => BitisException.InFile(
        file.Name,
        $"the tar archive ends without its end mark after {DisplayText.Count(entries.Count, "entry")}; "
        + "it was cut off. Download or copy it again.");
}
