using System.Text;

namespace Bitis.Data.Sources.Labels;

/// <summary>Comma-separated values as RFC 4180 defines them: quotes, doubled quotes, line ends inside quotes.</summary>
/// <remarks>Rows and columns are bounded, so that memory is in proportion to what the caller can use.</remarks>
internal static class Csv
{
    /// <summary>More than any export of labels has.</summary>
    public const int MaxColumns = 1000;

    /// <summary>The rows of a text; empty lines are skipped.</summary>
    /// <param name="text">The file's contents.</param>
    /// <param name="name">What messages call the file.</param>
    /// <param name="maxRows">How many rows there may be.</param>
    /// <exception cref="BitisException">
    /// A quote is not closed or not followed by a comma or line end, or there are more rows or columns than allowed.
    /// </exception>
    public static List<CsvRow> Parse(string text, string name, int maxRows)
    {
        var rows = new List<CsvRow>();
        var fields = new List<string>();
        var value = new StringBuilder();
        int line = 1;
        int position = 0;
        while (position < text.Length)
        {
            int rowLine = line;
            bool isQuoted = false;
            while (true)
            {
                bool startsQuoted = position < text.Length && text[position] == '"';
                isQuoted |= startsQuoted;
                position = startsQuoted
                    ? ReadQuoted(text, position + 1, value, ref line, name)
                    : ReadPlain(text, position, value);
                if (fields.Count == MaxColumns)
                {
                    throw BitisException.InFile(
                        name, $"line {rowLine}: more than {MaxColumns} values; a row for each image was expected.");
                }

                fields.Add(value.ToString());
                value.Clear();
                if (position == text.Length || text[position] != ',')
                    break;
                position++;
            }
            position = SkipLineEnd(text, position);
            line++;
            if (fields.Count > 1 || fields[0].Length > 0 || isQuoted)
            {
                if (rows.Count == maxRows)
                {
                    throw BitisException.InFile(
                        name, $"line {rowLine}: more rows than the {maxRows} that a header and the files here make.");
                }

                rows.Add(new CsvRow(rowLine, [.. fields]));
            }
            fields.Clear();
        }
        return rows;
    }

    private static int ReadPlain(string text, int position, StringBuilder value)
    {
        int length = text.AsSpan(position).IndexOfAny(',', '\r', '\n');
        int end = length < 0 ? text.Length : position + length;
        value.Append(text, position, end - position);
        return end;
    }

    private static int ReadQuoted(string text, int position, StringBuilder value, ref int line, string name)
    {
        int openedOn = line;
        for (; position < text.Length; position++)
        {
            char c = text[position];
            if (c == '"')
            {
                bool isDoubled = position + 1 < text.Length && text[position + 1] == '"';
                if (!isDoubled)
                {
                    position++;
                    if (position < text.Length && text[position] is not (',' or '\r' or '\n'))
                    {
                        throw BitisException.InFile(
                            name,
                            $"line {line}: a comma or the line's end was expected after the closing quote, not "
                            + $"'{text[position]}'.");
                    }
                    return position;
                }
                position++;
            }
            else if (c == '\n')
            {
                line++;
            }
            value.Append(c);
        }
        throw BitisException.InFile(name, $"line {openedOn}: the quote is never closed.");
    }

    private static int SkipLineEnd(string text, int position)
    {
        if (position < text.Length && text[position] == '\r')
            position++;
        if (position < text.Length && text[position] == '\n')
            position++;
        return position;
    }
}
