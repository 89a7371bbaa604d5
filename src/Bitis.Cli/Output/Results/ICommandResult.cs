namespace Bitis.Cli.Output.Results;

/// <summary>
/// What a command found out, as data. <c>--json</c> writes its public properties; otherwise it describes itself in
/// text.
/// </summary>
internal interface ICommandResult
{
    /// <summary>Writes the result for a person.</summary>
    void Describe(Report report);

    /// <summary>What the process returns.</summary>
    int ExitCode => ExitCodes.Success;
}
