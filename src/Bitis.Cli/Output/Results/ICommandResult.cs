namespace Bitis.Cli.Output.Results;

/// <summary>
/// The result of a command. <c>--json</c> writes its public properties; otherwise it is written as text.
/// </summary>
internal interface ICommandResult
{
    /// <summary>Writes the result as text.</summary>
    void Describe(Report report);

    /// <summary>The exit code of the process.</summary>
    int ExitCode => ExitCodes.Success;
}
