using System.Text;

namespace Bitis.Cli;

/// <summary>
/// The last station of all text for standard output and standard error: no control or format character leaves it but
/// ends of
/// lines. What cannot be written is the user's to know, once, and no fault of ours.
/// </summary>
/// <param name="inner">Where the text goes.</param>
/// <param name="name">What a message calls it; null where a failure has nobody to be told to.</param>
internal sealed class EscapingWriter(TextWriter inner, string? name) : TextWriter(inner.FormatProvider)
{
    /// <inheritdoc />
    public override Encoding Encoding => inner.Encoding;

    /// <summary>The writer itself, for consoles that colour what was escaped before.</summary>
    public TextWriter Inner => inner;

    /// <inheritdoc />
    public override void Write(char value) => Write([value]);

    /// <inheritdoc />
    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    /// <inheritdoc />
    public override void Write(ReadOnlySpan<char> buffer) => Write(buffer.ToString());

    /// <inheritdoc />
    public override void Write(string? value) =>
        Try(() => inner.Write(DisplayText.Escape(value ?? "", keepLines: true)));

    /// <inheritdoc />
    public override void WriteLine(string? value) =>
        Try(() => inner.WriteLine(DisplayText.Escape(value ?? "", keepLines: true)));

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
            if (name is not null)
            {
                throw new BitisException(
                    $"{name} cannot be written to: {e.Message.TrimEnd('.')}. Files that were written are complete.", e);
            }
        }
    }
}
