using System.Text;

namespace Bitis.Cli;

/// <summary>Standard output or standard error.</summary>
/// <remarks>
/// What cannot be written (a full disk, a closed descriptor, a terminal that is gone) is the user's to know, once, and
/// no fault of ours; not even where a display writes from a thread of its own.
/// </remarks>
/// <param name="inner">Where the text goes.</param>
/// <param name="name">What a message calls it; null where a failure has nobody to be told to.</param>
internal sealed class StandardWriter(TextWriter inner, string? name) : TextWriter(inner.FormatProvider)
{
    /// <inheritdoc />
    public override Encoding Encoding => inner.Encoding;

    /// <inheritdoc />
    public override void Write(char value) => Write([value]);

    /// <inheritdoc />
    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    /// <inheritdoc />
    public override void Write(ReadOnlySpan<char> buffer) => Write(buffer.ToString());

    /// <inheritdoc />
    public override void Write(string? value) => Try(() => inner.Write(value));

    /// <inheritdoc />
    public override void WriteLine(string? value) => Try(() => inner.WriteLine(value));

    /// <inheritdoc />
    public override void Flush() => Try(inner.Flush);

    private void Try(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (name is null)
                return;
            // .NET's words for a descriptor that is closed, or not for writing, are about a path.
            string problem = e is UnauthorizedAccessException ? "it is closed" : e.Message.TrimEnd('.');
            throw new BitisException(
                $"{name} cannot be written to: {problem}. Files that were written are complete.", e);
        }
    }
}
