using System.Diagnostics.CodeAnalysis;

namespace Bitis.Checkpoints.Hub;

/// <summary>A file on the Hugging Face hub, written <c>hf:owner/name[@revision]/path/to/file</c>.</summary>
/// <param name="Owner">The user or organization.</param>
/// <param name="Name">The repository.</param>
/// <param name="Revision">A branch, tag or commit; <c>main</c> unless given.</param>
/// <param name="File">The path inside the repository, with <c>/</c> between folders.</param>
internal sealed record HubReference(string Owner, string Name, string Revision, string File)
{
    private const string Prefix = "hf:";

    /// <summary>Reads a reference.</summary>
    /// <param name="text">The text of the user.</param>
    /// <param name="reference">The reference, if the text is one.</param>
    /// <returns>False if the text does not begin with <c>hf:</c> and so is a path.</returns>
    /// <exception cref="BitisException">The text begins with <c>hf:</c>, but the rest has another form.</exception>
    public static bool TryParse(string text, [NotNullWhen(true)] out HubReference? reference)
    {
        ArgumentNullException.ThrowIfNull(text);
        reference = null;
        if (!text.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            return false;

        string[] parts = text[Prefix.Length..].Split('/', 3);
        string[] nameAndRevision = parts.Length == 3 ? parts[1].Split('@', 2) : [];
        if (nameAndRevision.Length == 0)
            throw Malformed(text, "a part is missing");
        reference = new HubReference(
            parts[0], nameAndRevision[0], nameAndRevision.Length == 2 ? nameAndRevision[1] : "main", parts[2]);
        foreach (string part in (string[])[reference.Owner, reference.Name, reference.Revision])
        {
            if (!IsSafeName(part))
                throw Malformed(text, $"'{part}' is not a name");
        }
        // The path is used within the cache, so it must not lead out of it.
        foreach (string part in reference.File.Split('/'))
        {
            if (part is "" or "." or ".." || part.Any(c => c is '\\' or ':' || char.IsControl(c)))
                throw Malformed(text, $"'{part}' may not be a part of the file's path");
        }
        return true;
    }

    /// <inheritdoc />
    public override string ToString() => $"{Prefix}{Owner}/{Name}@{Revision}/{File}";

    /// <summary>Whether a text may be one component of a path: letters, digits, <c>-</c>, <c>_</c> and inner
    /// dots.</summary>
    internal static bool IsSafeName(string name) =>
        name.Length is > 0 and <= 200 && name[0] != '.' && !name.Contains("..", StringComparison.Ordinal)
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    private static BitisException Malformed(string text, string problem) =>
        new($"'{text}' is not a hub reference ({problem}); "
            + "expected hf:owner/name/file or hf:owner/name@revision/file.");
}
