using System.Text;

namespace Bitis.Cli;

/// <summary>Escapes all text on its way to standard output or standard error.</summary>
/// <remarks>No control or format character gets through except ends of lines.</remarks>
/// <param name="inner">The target of the text.</param>
internal sealed class EscapingWriter(TextWriter inner) : TextWriter(inner.FormatProvider)
{
    /// <inheritdoc />
    public override Encoding Encoding => inner.Encoding;

    /// <summary>The target itself, for consoles that colour escaped text.</summary>
    public TextWriter Inner => inner;

    /// <inheritdoc />
    public override void Write(char value) => Write([value]);

    /// <inheritdoc />
    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    /// <inheritdoc />
    public override void Write(ReadOnlySpan<char> buffer) => Write(buffer.ToString());

    /// <inheritdoc />
    public override void Write(string? value) => inner.Write(DisplayText.Escape(value ?? "", keepLines: true));

    /// <inheritdoc />
    public override void WriteLine(string? value) => inner.WriteLine(DisplayText.Escape(value ?? "", keepLines: true));

    /// <inheritdoc />
    public override void Flush() => inner.Flush();
}
