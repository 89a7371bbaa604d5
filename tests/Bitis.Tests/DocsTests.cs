using System.IO.Compression;
using System.Text.RegularExpressions;
using Bitis.Cli;

namespace Bitis.Tests;

/// <summary>The documents: spelling, links, and the names of code that they mention.</summary>
public sealed partial class DocsTests
{
    private const RegexOptions Linear = RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture;

    private static readonly string[] Pages =
    [
        .. Directory.EnumerateFiles(ReadmeTests.Root, "*.md"),
        .. Directory.EnumerateFiles(PathOf("docs"), "*.md", SearchOption.AllDirectories),
        PathOf("models", "README.md"),
        PathOf("samples", "README.md"),
    ];

    private static readonly string[] ProjectWords = File.ReadAllLines(PathOf("docs", "words.txt"));

    [Fact]
    public void Words_are_in_the_dictionary_or_in_the_word_list()
    {
        HashSet<string> known = [.. Dictionary(), .. ProjectWords.Select(Normalize)];
        string[] unknown =
        [
            .. Pages.SelectMany(page => WordPattern().Matches(Prose(File.ReadAllText(page)))
                .Select(match => match.Value)
                .Where(word => IsEnglish(word) && !known.Contains(Normalize(word)))
                .Distinct()
                .Select(word => $"{Name(page)}: {word}")),
        ];
        Assert.True(unknown.Length == 0, $"Misspelled, or missing in docs/words.txt:\n{string.Join('\n', unknown)}");
    }

    [Fact]
    public void The_word_list_is_sorted_and_has_no_dictionary_words()
    {
        Assert.Equal(ProjectWords.Order(StringComparer.OrdinalIgnoreCase), ProjectWords);
        Assert.Empty(ProjectWords.Select(Normalize).Intersect(Dictionary()));
        Assert.Equal(ProjectWords.Select(Normalize).Distinct().Count(), ProjectWords.Length);
    }

    [Fact]
    public void Links_lead_to_files_and_headings()
    {
        List<string> broken = [];
        foreach (string page in Pages)
        {
            foreach (Match link in LinkPattern().Matches(WithoutCode(File.ReadAllText(page))))
            {
                string target = link.Groups["target"].Value;
                if (!target.Contains("://", StringComparison.Ordinal) && !Exists(page, target))
                    broken.Add($"{Name(page)}: {target}");
            }
        }
        Assert.Empty(broken);
    }

    [Fact]
    public void Command_lines_parse()
    {
        var context = new CliContext { Output = TextWriter.Null, Error = TextWriter.Null };
        string[] errors =
        [
            .. from page in Pages
               from command in Commands(File.ReadAllText(page))
               from error in CommandLine.CreateRoot(context).Parse(command).Errors
               select $"{Name(page)}: bitis {command}: {error.Message}",
        ];
        Assert.Empty(errors);
        Assert.Contains(Pages, page => Commands(File.ReadAllText(page)).Any());
    }

    [Fact]
    public void Types_that_the_architecture_names_exist()
    {
        string source = string.Join('\n', CodeFiles().Select(File.ReadAllText));
        HashSet<string> names = [.. TypePattern().Matches(source).Select(match => match.Value)];
        string page = File.ReadAllText(PathOf("docs", "architecture.md"));
        string[] missing =
        [
            .. CodePattern().Matches(FencePattern().Replace(page, ""))
                .SelectMany(code => TypePattern().Matches(code.Value))
                .Select(match => match.Value)
                .Distinct()
                .Where(name => !names.Contains(name)),
        ];
        Assert.Empty(missing);
    }

    /// <summary>The arguments of each <c>bitis</c> in a page's code, without comments and output files.</summary>
    private static IEnumerable<string> Commands(string page) =>
        from code in FencePattern().Matches(page)
        from line in code.Value.Replace("\\\n", "", StringComparison.Ordinal).Split('\n')
        where line.StartsWith("bitis ", StringComparison.Ordinal)
        select line["bitis ".Length..].Split(" #")[0].Split(" > ")[0].Replace('\'', '"');

    private static IEnumerable<string> CodeFiles() =>
        new[] { "src", "tests", "samples" }.SelectMany(
            folder => Directory.EnumerateFiles(PathOf(folder), "*.cs", SearchOption.AllDirectories));

    /// <summary>English words in lower case (SCOWL, see Spelling/COPYRIGHT).</summary>
    private static HashSet<string> Dictionary()
    {
        using FileStream file = File.OpenRead(PathOf("tests", "Bitis.Tests", "Spelling", "english.txt.gz"));
        using var text = new StreamReader(new GZipStream(file, CompressionMode.Decompress));
        return [.. text.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Normalize)];
    }

    /// <summary>Whether a word has letters only: symbols (Δ), types (int8) and names (PTQ4VM) are no words.</summary>
    private static bool IsEnglish(string word) =>
        word.Length > 1 && word.All(letter => char.IsAsciiLetter(letter) || letter == '\'');

    private static string Normalize(string word)
    {
        string lower = word.ToLowerInvariant();
        return lower.EndsWith("'s", StringComparison.Ordinal) ? lower[..^2] : lower;
    }

    private static bool Exists(string page, string target)
    {
        string[] parts = target.Split('#');
        string file = parts[0].Length == 0 ? page : Path.Combine(Path.GetDirectoryName(page)!, parts[0]);
        if (parts.Length == 1)
            return File.Exists(file) || Directory.Exists(file);
        return File.Exists(file) && HeadingPattern().Matches(FencePattern().Replace(File.ReadAllText(file), ""))
            .Any(heading => Anchor(heading.Groups["text"].Value) == parts[1]);
    }

    /// <summary>The anchor that GitHub and docfx give a heading.</summary>
    private static string Anchor(string heading) =>
        NotInAnchorPattern().Replace(heading.ToLowerInvariant(), "").Replace(' ', '-');

    /// <summary>A page without code, addresses of links and comments.</summary>
    private static string Prose(string page) =>
        CommentPattern().Replace(AddressPattern().Replace(LinkPattern().Replace(WithoutCode(page), "${text}"), ""), "");

    private static string WithoutCode(string page) => CodePattern().Replace(FencePattern().Replace(page, ""), "");

    private static string Name(string page) => Path.GetRelativePath(ReadmeTests.Root, page);

    private static string PathOf(params string[] parts) => Path.Combine([ReadmeTests.Root, .. parts]);

    [GeneratedRegex(@"[\p{L}\p{N}]+('[a-z]+)?", Linear)]
    private static partial Regex WordPattern();

    [GeneratedRegex(@"\[(?<text>[^\]]*)\]\((?<target>[^)\s]*)\)", Linear)]
    private static partial Regex LinkPattern();

    [GeneratedRegex(@"https?://\S+", Linear)]
    private static partial Regex AddressPattern();

    [GeneratedRegex("<!--.*?-->", Linear | RegexOptions.Singleline)]
    private static partial Regex CommentPattern();

    [GeneratedRegex(@"^\s*```.*?^\s*```", Linear | RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex FencePattern();

    [GeneratedRegex("`[^`]*`", Linear)]
    private static partial Regex CodePattern();

    [GeneratedRegex("^#+ (?<text>.+)$", Linear | RegexOptions.Multiline)]
    private static partial Regex HeadingPattern();

    [GeneratedRegex(@"[^\p{L}\p{N} _-]", Linear)]
    private static partial Regex NotInAnchorPattern();

    /// <summary>Two words or more in Pascal case.</summary>
    [GeneratedRegex(@"\b[A-Z][a-z]+([A-Z][a-z0-9]*)+\b", Linear)]
    private static partial Regex TypePattern();
}
