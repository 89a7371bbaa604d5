namespace Bitis.Cli.Output;

/// <summary>Command lines that a user can copy.</summary>
internal static class CommandText
{
    private const string PlainCharacters = "-_./:=,+@%~\\";

    /// <summary>Joins the words of a command line, quoted for a shell if needed.</summary>
    public static string Of(params IEnumerable<string> words) => string.Join(' ', words.Select(Quoted));

    private static string Quoted(string word) =>
        word.Length > 0 && word.All(c => char.IsLetterOrDigit(c) || PlainCharacters.Contains(c))
            ? word
            : $"'{word.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
