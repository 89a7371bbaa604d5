using System.Text;
using Bitis.Cli.Output;
using Spectre.Console;

namespace Bitis.Cli;

/// <summary>
/// The surroundings of a command: where its output goes, and what may cancel it. Tests bring their own.
/// </summary>
internal sealed record CliContext
{
    /// <summary>The environment variable that shows the stack of an internal fault.</summary>
    private const string DebugVariable = "BITIS_DEBUG";

    /// <summary>Pipes have no width; tables are not wrapped there.</summary>
    private const int UnlimitedWidth = 10_000, NarrowestTerminal = 40;

    /// <summary>Where results go.</summary>
    public required TextWriter Output { get; init; }

    /// <summary>Where progress and messages go.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Whether a person sees results as they are written.</summary>
    public bool OutputIsTerminal { get; init; }

    /// <summary>Whether a person sees progress as it is written.</summary>
    public bool ErrorIsTerminal { get; init; }

    /// <summary>How many columns a terminal has; null for what the console says.</summary>
    public int? TerminalWidth { get; init; }

    /// <summary>Whether colours are unwanted (<c>NO_COLOR</c>).</summary>
    public bool NoColor { get; init; }

    /// <summary>Whether internal faults show their stack (<c>BITIS_DEBUG=1</c>).</summary>
    public bool Debug { get; init; }

    /// <summary>Cancelled by Ctrl-C.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>The real console.</summary>
    public static CliContext ForProcess(CancellationToken cancellation)
    {
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        // Loads what writing a message takes: later it may have to say that no more files can be opened.
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

    /// <summary>The same surroundings, with writers that let no control characters through (<see
    /// cref="EscapingWriter"/>).</summary>
    public CliContext WithEscaping() => this with
    {
        Output = new EscapingWriter(new StandardWriter(Output, "standard output")),
        Error = new EscapingWriter(new StandardWriter(Error, name: null)),
    };

    /// <summary>How wide lines of results may be.</summary>
    public int OutputWidth => Width(OutputIsTerminal);

    /// <summary>Writes a message to the user, broken between words where a terminal is narrower.</summary>
    public void WriteMessage(string message)
    {
        foreach (string line in WordWrap.Lines(message, Width(ErrorIsTerminal)))
            Error.WriteLine(line);
    }

    /// <summary>Writes a line that <see cref="CreateOutputConsole"/> has coloured; what is in it must be escaped
    /// already.</summary>
    public void WriteStyled(string line) => (OutputIsTerminal ? Plain(Output) : Output).WriteLine(line);

    /// <summary>A console that formats results: plain unless a person reads along.</summary>
    /// <param name="writer">Where the text goes.</param>
    /// <param name="wraps">Whether long lines are broken to fit a terminal.</param>
    public IAnsiConsole CreateOutputConsole(TextWriter writer, bool wraps)
    {
        IAnsiConsole console = CreateConsole(writer, OutputIsTerminal);
        console.Profile.Width = wraps ? OutputWidth : UnlimitedWidth;
        return console;
    }

    /// <summary>A console that shows progress.</summary>
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
