using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Bitis.Cli.Commands;

namespace Bitis.Cli.Output;

/// <summary>The usual help, followed by an example of the command.</summary>
/// <param name="usual">The usual help.</param>
internal sealed class HelpWithExample(HelpAction usual) : SynchronousCommandLineAction
{
    /// <inheritdoc />
    public override bool ClearsParseErrors => true;

    /// <inheritdoc />
    public override int Invoke(ParseResult parseResult)
    {
        int code = usual.Invoke(parseResult);
        if (parseResult.CommandResult.Command is BitisCommand command)
        {
            TextWriter output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Example:");
            output.WriteLine($"  {command.Example}");
            output.WriteLine();
        }
        return code;
    }
}
