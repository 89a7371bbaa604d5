using System.Text;

namespace Bitis.Cli;

/// <summary>Standard output or standard error.</summary>
/// <remarks>
/// A failed write (a full disk, a closed descriptor, a closed terminal) is reported to the user once. It is not an
/// internal fault, even if a progress display writes from its own thread.
/// </remarks>
/// <param name="inner">The target of the text.</param>
/// <param name="name">Its name in messages; null if a failure cannot be reported.</param>
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
            // .NET's message for a closed or read-only descriptor is about a path.
            string problem = e is UnauthorizedAccessException ? "it is closed" : e.Message.TrimEnd('.');
            throw new BitisException(
                $"{name} cannot be written to: {problem}. Files that were written are complete.", e);
        }
    }
}
