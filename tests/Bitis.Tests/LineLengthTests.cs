using System.Text.RegularExpressions;

namespace Bitis.Tests;

/// <summary>No line of the sources is longer than the limit; tables and links of documents are.</summary>
public sealed partial class LineLengthTests
{
    private const int Limit = 120;

    private static readonly string[] Folders = ["src", "tests", "benchmarks", "samples", "docs", ".ci"];

    private static readonly string[] Extensions = [".cs", ".md", ".sh"];

    [Fact]
    public void Lines_have_at_most_120_columns()
    {
        string[] files = [.. Folders.SelectMany(FilesOf)];
        Assert.Contains(files, file => file.EndsWith($"{nameof(LineLengthTests)}.cs", StringComparison.Ordinal));
        Assert.Equal(
            [], files.SelectMany(file => TooLong(Path.GetRelativePath(ReadmeTests.Root, file), File.ReadLines(file))));
    }

    [Fact]
    public void A_long_line_is_found_with_its_place()
    {
        string fits = new('x', Limit), longer = fits + "ä";
        Assert.Equal(["a.cs:2"], TooLong("a.cs", [fits, longer]));
        Assert.Equal(
            ["a.md:1"], TooLong("a.md", [longer, $"| {longer} |", $"see [{longer}](b.md)", $"<https://{longer}>"]));
        Assert.Equal(["a.cs:1"], TooLong("a.cs", [$"| {longer} |"]));
    }

    private static IEnumerable<string> FilesOf(string folder) => Directory
        .EnumerateFiles(Path.Combine(ReadmeTests.Root, folder), "*", SearchOption.AllDirectories)
        .Where(file => Extensions.Contains(Path.GetExtension(file)) && !Generated().IsMatch(file));

    private static IEnumerable<string> TooLong(string name, IEnumerable<string> lines) => lines
        .Select((line, i) => (Line: line, Place: $"{name}:{i + 1}"))
        .Where(
            entry =>
                entry.Line.Length > Limit && !(name.EndsWith(".md", StringComparison.Ordinal) && MayBeLong(entry.Line)))
        .Select(entry => entry.Place);

    /// <summary>Whether a line of a document is a row of a table, or has a link.</summary>
    private static bool MayBeLong(string line) =>
        line.TrimStart().StartsWith('|') || line.Contains("](", StringComparison.Ordinal)
            || line.Contains("://", StringComparison.Ordinal);

    /// <summary>What programs write: build outputs, packages, and tables of measurements.</summary>
    [GeneratedRegex(
        @"[/\\](bin|obj|node_modules|results)[/\\]", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Generated();
}
