using Bitis.Data.Decoding;
using Bitis.Data.Sources.Trees;
using Bitis.Files;

namespace Bitis.Data.Sources.Labels;

/// <summary>A CSV file that names images and their labels.</summary>
/// <remarks>
/// Columns are found by their headers. Labels are class indices, or names that are numbered in ordinal order, but not
/// both. The file has at most 64 MiB, a row for each file of the tree and 1000 columns.
/// </remarks>
internal static class LabelFile
{
    /// <summary>The name under which the file is looked for in a folder.</summary>
    public const string DefaultName = "labels.csv";

    private const int MaxFileBytes = 64 << 20;

    private static readonly string[] FileHeaders = ["file", "filename", "file_name", "image", "image_path", "path"];
    private static readonly string[] IndexHeaders = ["class_index", "label_index"];
    private static readonly string[] LabelHeaders = ["label", "class", "target"];
    private static readonly string[] NameHeaders = ["class_name", "label_name", "name"];

    /// <summary>Opens the images that a CSV file of a tree names.</summary>
    /// <exception cref="BitisException">
    /// The file is malformed, names no image, or names one that is missing.
    /// </exception>
    public static ImageSource Open(FileTree tree, string csvFile, IImageDecoder decoder)
    {
        string name = tree.FullName(csvFile);
        string text = InputText.Decode(tree.Read(csvFile, MaxFileBytes), name);
        RequireCommas(text, name);
        List<CsvRow> rows = Csv.Parse(text, name, maxRows: tree.Files.Count + 1);
        if (rows.Count < 2)
        {
            throw BitisException.InFile(
                name,
                "there are no rows; a header line and one line for each image were expected.");
        }

        List<string> header = [.. rows[0].Fields.Select(Normalize)];
        int headerLine = rows[0].Line;
        int fileColumn = Find(header, FileHeaders, name, headerLine);
        int indexColumn = Find(header, IndexHeaders, name, headerLine);
        int labelColumn = indexColumn >= 0 ? indexColumn : Find(header, LabelHeaders, name, headerLine);
        string[] nameHeaders = indexColumn >= 0 ? [.. NameHeaders, .. LabelHeaders] : NameHeaders;
        int nameColumn = Find(header, nameHeaders, name, headerLine);
        if (fileColumn < 0 || labelColumn < 0)
        {
            string[] expected = fileColumn < 0 ? FileHeaders : [.. IndexHeaders, .. LabelHeaders];
            throw BitisException.InFile(
                name,
                $"line {headerLine}: the header '{string.Join(',', rows[0].Fields)}' has no "
                + $"{(fileColumn < 0 ? "file" : "label")} column; "
                + $"one of {string.Join(", ", expected)} was expected.");
        }

        rows.RemoveAt(0);
        string[] files = CheckFiles(tree, csvFile, rows, header.Count, fileColumn);
        bool isNumeric = indexColumn >= 0 || HoldsNumbers(rows, labelColumn, name);
        (int[] labels, IReadOnlyList<string>? classNames) = isNumeric
            ? Numbered(rows, labelColumn, nameColumn, name)
            : Named(rows, labelColumn);
        // A column of class indices has the numbers of whatever model it was made for, perhaps not of all its classes.
        int? classCount = indexColumn >= 0 ? null : classNames?.Count ?? labels.Max() + 1;
        return new ImageFileSource(
            tree,
            decoder,
            [.. files.Zip(labels, (file, label) => (file, (int?)label))],
            classNames,
            classCount,
            hasModelLabels: indexColumn >= 0);
    }

    /// <summary>Refuses what spreadsheets export where the comma is the decimal point; a header has a comma.</summary>
    private static void RequireCommas(string text, string name)
    {
        int end = text.AsSpan().IndexOfAny('\r', '\n');
        ReadOnlySpan<char> header = end < 0 ? text : text.AsSpan(0, end);
        if (header.Contains(',') || header.IndexOfAny(';', '\t') is not (>= 0 and var at))
            return;
        throw BitisException.InFile(
            name,
            $"line 1: the columns are separated by {(header[at] == ';' ? "semicolons" : "tabs")}; "
            + "commas were expected. Export the table again with commas.");
    }

    /// <summary>Whether the labels are numbers; all of them have to be, or none.</summary>
    private static bool HoldsNumbers(List<CsvRow> rows, int labelColumn, string name)
    {
        bool isNumeric = LabelNumber.IsNumber(rows[0].Fields[labelColumn]);
        foreach (CsvRow row in rows)
        {
            string text = row.Fields[labelColumn];
            if (string.IsNullOrWhiteSpace(text))
                throw BitisException.InFile(name, $"line {row.Line}: the label is empty.");
            if (LabelNumber.IsNumber(text) != isNumeric)
            {
                throw BitisException.InFile(
                    name,
                    $"line {row.Line}: the label '{text}' is a {(isNumeric ? "name" : "number")}, "
                    + $"that of line {rows[0].Line}, '{rows[0].Fields[labelColumn]}', is not. "
                    + "All have to be numbers, or all names; where numbers are names, "
                    + "put the indices into a column class_index and the names into class_name.");
            }
        }
        return isNumeric;
    }

    /// <summary>
    /// Lower case, without what some exports add around the plain word: <c>imagenet_class_index_0based</c>.
    /// </summary>
    private static string Normalize(string header)
    {
        string word = header.Trim().ToLowerInvariant();
        if (word.StartsWith("imagenet_", StringComparison.Ordinal))
            word = word["imagenet_".Length..];
        return word.EndsWith("_0based", StringComparison.Ordinal) ? word[..^"_0based".Length] : word;
    }

    /// <summary>The column with the first of the names that is there, or −1.</summary>
    /// <exception cref="BitisException">Two columns have that name.</exception>
    private static int Find(List<string> header, ReadOnlySpan<string> names, string file, int line)
    {
        foreach (string name in names)
        {
            int column = header.IndexOf(name);
            if (column < 0)
                continue;
            int second = header.IndexOf(name, column + 1);
            return second < 0 ? column : throw BitisException.InFile(
                file,
                $"line {line}: columns {column + 1} and {second + 1} are both called '{name}'; "
                + "one was expected. Remove or rename the other.");
        }
        return -1;
    }

    private static string[] CheckFiles(FileTree tree, string csvFile, List<CsvRow> rows, int columns, int fileColumn)
    {
        string name = tree.FullName(csvFile);
        string folder = csvFile[..(csvFile.LastIndexOf('/') + 1)];
        var known = tree.Files.ToHashSet();
        var lines = new Dictionary<string, int>();
        string[] files = new string[rows.Count];
        for (int i = 0; i < files.Length; i++)
        {
            CsvRow row = rows[i];
            if (row.Fields.Count != columns)
            {
                throw BitisException.InFile(
                    name,
                    $"line {row.Line}: {DisplayText.Count(row.Fields.Count, "value")}, where the header has "
                        + $"{columns}.");
            }
            string stated = row.Fields[fileColumn].Trim().Replace('\\', '/');
            files[i] = folder + (stated.StartsWith("./", StringComparison.Ordinal) ? stated[2..] : stated);
            if (!known.Contains(files[i]))
                throw BitisException.InFile(name, $"line {row.Line}: there is no file '{stated}' beside the CSV file.");
            if (!lines.TryAdd(files[i], row.Line))
            {
                throw BitisException.InFile(
                    name,
                    $"line {row.Line}: '{stated}' was already given on line {lines[files[i]]}.");
            }
        }
        return files;
    }

    private static (int[] Labels, IReadOnlyList<string>? ClassNames) Numbered(
        List<CsvRow> rows, int labelColumn, int nameColumn, string name)
    {
        int[] labels = new int[rows.Count];
        for (int i = 0; i < labels.Length; i++)
        {
            string text = rows[i].Fields[labelColumn];
            labels[i] = LabelNumber.Parse(text) ?? throw BitisException.InFile(
                name,
                $"line {rows[i].Line}: '{text}' is not a class index; "
                + $"a whole number from 0 to {LabelNumber.MaxClasses - 1} was expected.");
        }
        if (nameColumn < 0)
            return (labels, null);

        string?[] names = new string?[labels.Max() + 1];
        for (int i = 0; i < labels.Length; i++)
        {
            ref string? known = ref names[labels[i]];
            string stated = rows[i].Fields[nameColumn].Trim();
            known ??= stated;
            if (known != stated)
            {
                throw BitisException.InFile(
                    name,
                    $"line {rows[i].Line}: class {labels[i]} is called '{stated}' here and '{known}' above.");
            }
        }
        return (labels, [.. names.Select((known, index) => known ?? $"class {index}")]);
    }

    private static (int[] Labels, IReadOnlyList<string> ClassNames) Named(List<CsvRow> rows, int labelColumn)
    {
        string[] labels = [.. rows.Select(row => row.Fields[labelColumn].Trim())];
        string[] classes = [.. labels.Distinct().Order(StringComparer.Ordinal)];
        var indices = classes.Index().ToDictionary(c => c.Item, c => c.Index);
        return ([.. labels.Select(label => indices[label])], classes);
    }
}
