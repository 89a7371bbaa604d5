namespace Bitis.Checkpoints;

/// <summary>What the system says about a file that cannot be written, for messages.</summary>
internal static class SystemMessage
{
    private const string Suffix = TemporaryFiles.Suffix + "'";

    /// <summary>
    /// The message without its full stop, and without the name of a temporary file, which means nothing to a user.
    /// </summary>
    public static string Of(Exception e)
    {
        string text = e.Message;
        int start = text.IndexOf('\'', StringComparison.Ordinal), end = text.IndexOf(Suffix, StringComparison.Ordinal);
        bool isNamed = start >= 0 && end > start
            && text.AsSpan(start, end - start).Contains(TemporaryFiles.Prefix, StringComparison.Ordinal);
        if (isNamed)
            text = text[..start].TrimEnd(' ', ':') + text[(end + Suffix.Length)..];
        return text.TrimEnd('.');
    }
}
