namespace Bitis.Tests.Cli;

/// <summary>Cancels when the first words arrive.</summary>
internal sealed class CancellingWriter(CancellationTokenSource source) : StringWriter
{
    public override void Write(char value)
    {
        base.Write(value);
        source.Cancel();
    }

    public override void Write(char[] buffer, int index, int count)
    {
        base.Write(buffer, index, count);
        source.Cancel();
    }

    public override void Write(string? value)
    {
        base.Write(value);
        source.Cancel();
    }
}
