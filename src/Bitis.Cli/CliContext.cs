using System.Text;
using Bitis.Cli.Output;
using Spectre.Console;

namespace Bitis.Cli;

/// <summary>The environment of a command: its outputs and its cancellation. Tests supply their own.</summary>
internal sealed record CliContext
{
    /// <summary>The environment variable that shows the stack trace of an internal fault.</summary>
    private const string DebugVariable = "BITIS_DEBUG";

    /// <summary>The width of pipes, whose tables are not wrapped, and the smallest width of a terminal.</summary>
    private const int UnlimitedWidth = 10_000, NarrowestTerminal = 40;

    /// <summary>The writer of results.</summary>
    public required TextWriter Output { get; init; }

    /// <summary>The writer of progress and messages.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Whether results go to a terminal.</summary>
    public bool OutputIsTerminal { get; init; }

    /// <summary>Whether progress goes to a terminal.</summary>
    public bool ErrorIsTerminal { get; init; }

    /// <summary>The columns of the terminal; null to ask the console.</summary>
    public int? TerminalWidth { get; init; }

    /// <summary>Whether colours are off (<c>NO_COLOR</c>).</summary>
    public bool NoColor { get; init; }

    /// <summary>Whether internal faults show their stack trace (<c>BITIS_DEBUG=1</c>).</summary>
    public bool Debug { get; init; }

    /// <summary>Is cancelled by Ctrl-C.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>Creates the context of the process's console.</summary>
    public static CliContext ForProcess(CancellationToken cancellation)
    {
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        // Loads the code that writes messages now. Later, no more files may be open for loading it.
        using (Stream error = Console.OpenStandardError())
            error.Write([]);
        return new CliContext
        {
            Output = Console.Out,
            Error = Console.Error,
            OutputIsTerminal = !Console.IsOutputRedirected,
            ErrorIsTerminal = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb",
            NoColor = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")),
            Debug = Environment.GetEnvironmentVariable(DebugVariable)?.Trim().ToUpperInvariant()
                is "1" or "TRUE" or "YES" or "ON",
            Cancellation = cancellation,
        };
    }

    /// <summary>The same context, with writers that escape control characters (<see cref="EscapingWriter"/>).</summary>
    public CliContext WithEscaping() => this with
    {
        Output = new EscapingWriter(new StandardWriter(Output, "standard output")),
        Error = new EscapingWriter(new StandardWriter(Error, name: null)),
    };

    /// <summary>The most columns of a line of results.</summary>
    public int OutputWidth => Width(OutputIsTerminal);

    /// <summary>Writes a message to the user, wrapped between words to fit the terminal.</summary>
    public void WriteMessage(string message)
    {
        foreach (string line in WordWrap.Lines(message, Width(ErrorIsTerminal)))
            Error.WriteLine(line);
    }

    /// <summary>
    /// Writes a line coloured by <see cref="CreateOutputConsole"/>; its texts must be escaped already.
    /// </summary>
    public void WriteStyled(string line) => (OutputIsTerminal ? Plain(Output) : Output).WriteLine(line);

    /// <summary>Creates a console that formats results, without colours unless the output is a terminal.</summary>
    /// <param name="writer">The target of the text.</param>
    /// <param name="wraps">Whether long lines are wrapped to fit the terminal.</param>
    public IAnsiConsole CreateOutputConsole(TextWriter writer, bool wraps)
    {
        IAnsiConsole console = CreateConsole(writer, OutputIsTerminal);
        console.Profile.Width = wraps ? OutputWidth : UnlimitedWidth;
        return console;
    }

    /// <summary>Creates a console that shows progress.</summary>
    public IAnsiConsole CreateErrorConsole() => CreateConsole(ErrorIsTerminal ? Plain(Error) : Error, ErrorIsTerminal);

    private int Width(bool isTerminal) =>
        isTerminal ? Math.Max(TerminalWidth ?? Console.WindowWidth, NarrowestTerminal) : UnlimitedWidth;

    private static TextWriter Plain(TextWriter writer) => writer is EscapingWriter escaping ? escaping.Inner : writer;

    private IAnsiConsole CreateConsole(TextWriter writer, bool isTerminal) =>
        AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = isTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = isTerminal && !NoColor ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = isTerminal ? InteractionSupport.Detect : InteractionSupport.No,
        });
}
