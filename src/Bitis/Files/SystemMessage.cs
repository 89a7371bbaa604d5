namespace Bitis.Files;

/// <summary>Turns exceptions of the file system into texts for messages.</summary>
internal static class SystemMessage
{
    private const string Suffix = TemporaryFiles.Suffix + "'";

    /// <summary>The message without its full stop and without the file's name.</summary>
    /// <remarks>
    /// The name of a temporary file means nothing to a user, and the message already begins with the name of the file
    /// itself.
    /// </remarks>
    public static string Of(Exception e)
    {
        string text = e.Message;
        int start = text.IndexOf('\'', StringComparison.Ordinal), end = text.IndexOf(Suffix, StringComparison.Ordinal);
        bool isNamed = start >= 0 && end > start
            && text.AsSpan(start, end - start).Contains(TemporaryFiles.Prefix, StringComparison.Ordinal);
        if (isNamed && e is (FileNotFoundException or DirectoryNotFoundException))
            return "no files can be created there"; // as in /proc
        if (isNamed)
            text = text[..start].TrimEnd(' ', ':') + text[(end + Suffix.Length)..];
        int name = text.IndexOf(" : '", StringComparison.Ordinal); // our message already names the file
        return (name > 0 ? text[..name] : text).TrimEnd('.');
    }
}
