namespace Bitis.Cli.Output.Results;

/// <summary>The result of <c>bitis completion</c>.</summary>
internal sealed record CompletionResult(string Shell, string Script) : ICommandResult
{
    /// <inheritdoc />
    public void Describe(Report report)
    {
        foreach (string line in Script.Split('\n'))
            report.Command(line.TrimEnd('\r'));
    }
}
