namespace Bitis.Cli.Input;

/// <summary>Finds what a user probably meant to type.</summary>
internal static class Suggestion
{
    /// <summary>A question that names the known word nearest to a typed one; empty if none is near.</summary>
    /// <param name="typed">What the user typed.</param>
    /// <param name="known">The words that would do.</param>
    public static string Of(string typed, IEnumerable<string> known) =>
        Nearest(typed, known) is { } word ? $" Did you mean '{word}'?" : "";

    /// <summary>The known word that needs the fewest changes, at most one for three letters; null for none.</summary>
    private static string? Nearest(string typed, IEnumerable<string> known)
    {
        (string Word, int Distance)[] near =
        [
            .. known.Select(word => (word, Distance(typed, word)))
                .Where(pair => pair.Item2 <= Math.Max(typed.Length, pair.word.Length) / 3),
        ];
        return near.Length == 0 ? null : near.MinBy(pair => pair.Distance).Word;
    }

    /// <summary>How many letters are added, left out, replaced, or swapped with their neighbours.</summary>
    private static int Distance(string typed, string word)
    {
        var d = new int[typed.Length + 1, word.Length + 1];
        for (int i = 0; i <= typed.Length; i++)
        {
            for (int j = 0; j <= word.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    d[i, j] = i + j;
                    continue;
                }
                int replaced = d[i - 1, j - 1] + (typed[i - 1] == word[j - 1] ? 0 : 1);
                d[i, j] = Math.Min(replaced, Math.Min(d[i - 1, j], d[i, j - 1]) + 1);
                if (i > 1 && j > 1 && typed[i - 1] == word[j - 2] && typed[i - 2] == word[j - 1])
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
            }
        }
        return d[typed.Length, word.Length];
    }
}
