using System.CommandLine;
using System.CommandLine.Help;
using Bitis.Cli.Commands;
using Bitis.Cli.Commands.Choosing;
using Bitis.Cli.Commands.Reporting;
using Bitis.Cli.Input;
using Bitis.Cli.Output;

namespace Bitis.Cli;

/// <summary>
/// The <c>bitis</c> command: parses arguments, runs a command, and turns failures into messages and exit codes.
/// </summary>
internal static class CommandLine
{
    private const string Kept = "Output files are complete or unchanged.";

    /// <summary>The start of the parser's message about a word that it has no use for.</summary>
    private const string Unrecognized = "Unrecognized command or argument";

    private const string LoadCauses =
        "the system may allow too few open files (ulimit -n), or the installation is incomplete.";

    /// <summary>Runs a command line and returns its exit code.</summary>
    public static int Run(IReadOnlyList<string> arguments, CliContext context)
    {
        context = context.WithEscaping();
        // Loads the code that writes messages now, since later no more files may be open for loading it.
        Explain(new FileNotFoundException(), context with { Error = new EscapingWriter(new StringWriter()) });
        bool writes = true;
        try
        {
            ParseResult parsed = CreateRoot(context).Parse(arguments.Count == 0 ? ["--help"] : arguments);
            if (parsed.Errors.Count > 0 && parsed.Action is not { ClearsParseErrors: true })
                return RefuseUsage(parsed, context);
            writes = parsed.CommandResult.Command.Options.Any(option => option.Name == "--output");
            return parsed.Invoke(new InvocationConfiguration
            {
                Output = context.Output,
                Error = context.Error,
                EnableDefaultExceptionHandler = false,
            });
        }
        catch (Exception e)
        {
            return Explain(e, context, writes);
        }
    }

    /// <summary>Creates all commands, in the order in which a new user needs them.</summary>
    internal static RootCommand CreateRoot(CliContext context)
    {
        var root = new RootCommand(
            "Bitis makes Vision Mamba models small and fast: inspect, train, quantize, evaluate and run them on a CPU.")
        {
            new DemoCommand(context),
            new InspectCommand(context),
            new QuantizeCommand(context),
            new EvalCommand(context),
            new ClassifyCommand(context),
            new SegmentCommand(context),
            new BenchCommand(context),
            new ExportCommand(context),
            new AnalyzeCommand(context),
            new CompareCommand(context),
            new SensitivityCommand(context),
            new SearchCommand(context),
            new ReportCommand(context),
            new TrainCommand(context),
            new FinetuneCommand(context),
            new ModelsCommand(context),
            new CompletionCommand(context),
            new VersionCommand(context),
        };
        foreach (HelpOption help in root.Options.OfType<HelpOption>())
            help.Action = new HelpWithExample((HelpAction)help.Action!);
        return root;
    }

    private static int RefuseUsage(ParseResult parsed, CliContext context)
    {
        // One mistake can cause several errors. The first that names the typed text is shown.
        string message = parsed.Errors.Select(error => Uniform(error.Message)).OrderBy(Vagueness).First();
        Command command = parsed.CommandResult.Command;
        if (Vagueness(message) < 2 && message.Split('\'') is [_, var typed, _])
            message += Suggestion.Of(typed, Words(command));
        string name = command is RootCommand ? "bitis" : $"bitis {command.Name}";
        context.WriteMessage(DisplayText.Of(message.ReplaceLineEndings(" "), DisplayText.MessageLength));
        context.Error.WriteLine($"See: {name} --help");
        return ExitCodes.BadInput;
    }

    /// <summary>The commands and options that may stand behind a command.</summary>
    private static IEnumerable<string> Words(Command command) =>
    [
        .. command.Subcommands.Select(subcommand => subcommand.Name),
        .. command.Options.SelectMany(option => (IEnumerable<string>)[option.Name, .. option.Aliases]),
    ];

    /// <summary>Names an unknown option alike, whether an argument or the parser refuses it.</summary>
    private static string Uniform(string message) =>
        message.StartsWith($"{Unrecognized} '-", StringComparison.Ordinal)
            ? CommonOptions.UnknownOption + message[Unrecognized.Length..]
            : message;

    private static int Vagueness(string message) => message switch
    {
        _ when message.StartsWith(CommonOptions.UnknownOption, StringComparison.Ordinal) => 0,
        _ when message.StartsWith(Unrecognized, StringComparison.Ordinal) => 1,
        _ => 2,
    };

    /// <summary>The original exception behind those of tasks, parallel loops and type initializers.</summary>
    private static Exception Cause(Exception e) => e switch
    {
        AggregateException { InnerExceptions.Count: > 0 } many => Cause(many.Flatten().InnerExceptions[0]),
        TaskSchedulerException { InnerException: { } inner } => Cause(inner),
        TypeInitializationException { InnerException: { } inner } => Cause(inner),
        _ => e,
    };

    /// <summary>Writes the message of a failure, and returns the exit code.</summary>
    /// <param name="failure">The exception.</param>
    /// <param name="context">The command's context.</param>
    /// <param name="writes">Whether the command writes files.</param>
    internal static int Explain(Exception failure, CliContext context, bool writes = true)
    {
        Exception e = Cause(failure);
        if (e is OperationCanceledException && context.Cancellation.IsCancellationRequested)
        {
            context.WriteMessage(writes ? "cancelled; no output was written" : "cancelled");
            return ExitCodes.BadInput;
        }
        string reason = DisplayText.Of(e.Message, DisplayText.MessageLength);
        switch (e)
        {
            case BitisException:
                context.WriteMessage(reason);
                break;
            case OutOfMemoryException: // also thrown if no thread can be started
                // .NET's own message is not helpful.
                bool saysNothing = e.Message.Contains(nameof(OutOfMemoryException), StringComparison.Ordinal);
                context.WriteMessage(
                    "There is not enough memory, or no further thread or open file, for this"
                    + $"{(saysNothing ? "." : $": {reason}")} {Kept}");
                context.WriteMessage("Fewer --threads, a smaller --batch or a machine with more memory may help.");
                break;
            case FileNotFoundException { FileName: { } file } when file.Contains("Version=", StringComparison.Ordinal):
                context.WriteMessage(
                    $"A part of bitis, {DisplayText.Of(file.Split(',')[0])}, cannot be loaded: {LoadCauses} {Kept}");
                break;
            case DllNotFoundException: // .NET's message starts with the library's name
                context.WriteMessage($"A part of bitis or of the system cannot be loaded: {LoadCauses} {Kept}");
                context.WriteMessage(reason);
                break;
            case IOException or UnauthorizedAccessException:
                context.WriteMessage($"The system refused to read or write: {reason.TrimEnd('.')}. {Kept}");
                break;
            default:
                context.WriteMessage($"This is a fault in bitis, not in your input: {e.GetType().Name}: {reason}");
                context.Error.WriteLine(context.Debug
                    ? DisplayText.Escape(e.ToString(), keepLines: true)
                    : "Please report it, with the output of the same command under BITIS_DEBUG=1 and of 'bitis "
                        + "version'.");
                return ExitCodes.InternalFault;
        }
        return ExitCodes.BadInput;
    }
}
