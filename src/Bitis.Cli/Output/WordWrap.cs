namespace Bitis.Cli.Output;

/// <summary>Wraps long lines between words.</summary>
internal static class WordWrap
{
    /// <summary>The lines of a text; a word that is longer than a line stays whole.</summary>
    public static IEnumerable<string> Lines(string text, int width)
    {
        int start = 0;
        while (text.Length - start > width)
        {
            int blank = text.LastIndexOf(' ', start + width, width + 1);
            if (blank <= start)
                blank = text.IndexOf(' ', start + width);
            if (blank < 0)
                break;
            yield return text[start..blank].TrimEnd();
            start = blank + 1;
        }
        yield return text[start..];
    }
}
