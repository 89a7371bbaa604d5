using System.Diagnostics;
using Bitis.Cli;
using Spectre.Console;

namespace Bitis.Tests.Cli;

/// <summary>
/// What the system lacks is no fault of ours and none of the input: a message, exit code 2, nothing lost.
/// </summary>
[Trait(Speed.Name, Speed.Slow)]
public sealed class ShortageTests : IDisposable
{
    private static readonly string Checkpoint = GoldenFiles.Path("vim-micro.safetensors");
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Shortages_are_named_and_faults_stay_faults()
    {
        const string NoMemory = "not enough memory";
        Named(NoBlock(), NoMemory);
        Named(NoBlock("Exception of type 'System.OutOfMemoryException' was thrown."), "for this. ");
        Named(new InsufficientMemoryException(), NoMemory);
        Named(new AggregateException(new AggregateException(NoBlock())), NoMemory);
        Named(new TypeInitializationException("T", NoBlock()), NoMemory);
        Named(new TaskSchedulerException(NoBlock()), NoMemory);
        Named(new IOException("Too many open files"), "The system refused to read or write: Too many open files.");
        Named(new UnauthorizedAccessException("denied"), "refused to read or write: denied");
        Named(
            new FileNotFoundException("", "Some.Part, Version=1.0.0.0"),
            "A part of bitis, Some.Part, cannot be loaded");
        Named(
            new DllNotFoundException("Unable to load shared library 'libx'"),
            "cannot be loaded: the system may allow too few");
        (int code, string error) = Explain(new AggregateException(new InvalidOperationException("x")));
        Assert.Equal(ExitCodes.InternalFault, code);
        Assert.Contains("fault in bitis", error);
    }

    [LinuxFact]
    public void A_full_standard_output_is_named_and_the_model_is_there()
    {
        string output = _folder["vim.bitis"];
        CliOutcome outcome = Shell(
            $"exec {Command("quantize", Checkpoint, "--calibration", "builtin/train", "--images", "2", "-o", output)} "
            + "> /dev/full");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("standard output cannot be written to: No space left on device", outcome.Error);
        CliRunner.Run("inspect", output).AssertSucceeded();
        Assert.Single(Directory.GetFileSystemEntries(_folder.Path));
    }

    [LinuxFact]
    public void An_output_that_is_also_standard_output_is_refused()
    {
        string file = _folder["out.bitis"];
        string quantize = Command("quantize", Checkpoint, "--calibration", "builtin/train", "--images", "2", "-o");
        Shell($"exec {quantize} '{file}' > '{file}'").AssertRefused(file, "standard output");
        Assert.Equal(0, new FileInfo(file).Length);
        // What /dev/stdout leads to; on some machines a careless program has replaced that link.
        const string Descriptor = "/proc/self/fd/1";
        Shell($"exec {quantize} {Descriptor} > '{file}'").AssertRefused(Descriptor, "standard output");
        Shell($"exec {quantize} {Descriptor} | cat; exit ${{PIPESTATUS[0]}}")
            .AssertRefused(Descriptor, "standard output");
    }

    [LinuxFact]
    public void A_closed_standard_output_is_named_and_a_reader_that_has_enough_is_not()
    {
        CliOutcome closed = Shell($"exec {Command("version")} >&-");
        Assert.Equal(2, closed.ExitCode);
        Assert.Equal(
            "standard output cannot be written to: it is closed. Files that were written are complete.",
            closed.Error.TrimEnd());
        Assert.Equal(2, Shell($"exec {Command("version")} >&- 2>&-").ExitCode);
        CliOutcome head = Shell($"{Command("inspect", Checkpoint, "--tensors")} | head -n 1; exit ${{PIPESTATUS[0]}}")
            .AssertSucceeded();
        Assert.Empty(head.Error);
        Assert.Single(head.Output.TrimEnd().Split('\n'));
        Shell($"exec {Command("version")} 2>&-").AssertSucceeded();
    }

    [Fact]
    public void A_terminal_that_is_gone_ends_no_display()
    {
        var terminal = new CliContext
        {
            Output = new GoneWriter(),
            Error = new GoneWriter(),
            OutputIsTerminal = true,
            ErrorIsTerminal = true,
        };
        CliContext context = terminal.WithEscaping();
        context.CreateErrorConsole().WriteLine("progress is written by a thread that nobody watches");
        string message = Assert.Throws<BitisException>(() => context.WriteStyled("result")).Message;
        Assert.Contains("standard output cannot be written to: gone", message);
    }

    [LinuxFact]
    public void Too_few_open_files_are_named()
    {
        // The runtime ends the process itself, where it can open no file for a thread of its own.
        const int Aborted = 134;
        string output = _folder["vim.bitis"];
        string quantize = Command(
            "quantize", Checkpoint, "--calibration", "builtin/train", "--images", "2", "-o", output);
        foreach (int files in (int[])[50, 60, 75])
        {
            CliOutcome outcome = Shell($"ulimit -n {files}; exec {quantize}");
            if (outcome.ExitCode == 0)
                break;
            if (outcome.ExitCode == Aborted && files > 60)
                continue;
            Assert.True(outcome.ExitCode == 2, outcome.Error);
            Assert.Matches("open file|refused to read or write|cannot be", outcome.Error);
            // Where only the report could not be written, the model is there, and whole.
            if (Directory.GetFileSystemEntries(_folder.Path) is [var only])
            {
                Assert.Equal(output, only);
                CliRunner.Run("inspect", output).AssertSucceeded();
            }
            else
            {
                Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
            }
        }
    }

    [LinuxFact]
    public void Too_little_memory_is_named()
    {
        string output = _folder.WriteText("vim.bitis", "old");
        string command = Command(
            "quantize", Checkpoint, "--calibration", "builtin/train", "--images", "2000", "--batch", "2000",
            "--threads", "1", "-o", output);
        CliOutcome outcome = Shell($"export DOTNET_GCHeapHardLimit=3000000; exec {command}");
        outcome.AssertRefused("not enough memory", "smaller batch", "a tensor of shape [2000, ");
        Assert.Equal("old", File.ReadAllText(output));
        Assert.Single(Directory.GetFileSystemEntries(_folder.Path));
    }

    /// <summary>The runtime does not survive arrays that are far beyond the limit.</summary>
    [LinuxFact]
    public void Tensors_far_beyond_the_memory_are_named() => Shell(
        "export DOTNET_GCHeapHardLimit=10000000; "
        + $"exec {Command("bench", Checkpoint, "--batch", "150000", "--threads", "1")}")
        .AssertRefused("not enough memory", "a tensor of shape [150000, 3, ");

    private static string Command(params string[] arguments) =>
        string.Join(
            ' ',
            ((string[])["dotnet", Path.Combine(AppContext.BaseDirectory, "Bitis.Cli.dll"), .. arguments])
                .Select(word => $"'{word}'"));

    /// <summary>What .NET throws where there is no memory.</summary>
    private static Exception NoBlock(string message = "no block") =>
        (Exception)Activator.CreateInstance(typeof(OutOfMemoryException), message)!;

    private static CliOutcome Shell(string script)
    {
        var start = new ProcessStartInfo("bash", ["-c", script])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        using Process process = Process.Start(start)!;
        return CliRunner.Finish(process);
    }

    private static void Named(Exception shortage, string words)
    {
        (int code, string error) = Explain(shortage);
        Assert.Equal(ExitCodes.BadInput, code);
        Assert.Contains(words, error);
        Assert.DoesNotContain("fault", error);
    }

    private sealed class GoneWriter : StringWriter
    {
        public override void Write(char value) => throw new IOException("gone");

        public override void Write(string? value) => throw new IOException("gone");

        public override void WriteLine(string? value) => throw new IOException("gone");

        public override void Flush() => throw new IOException("gone");
    }

    private static (int Code, string Error) Explain(Exception e)
    {
        using var error = new StringWriter();
        int code = CommandLine.Explain(e, new CliContext { Output = TextWriter.Null, Error = error });
        return (code, error.ToString());
    }
}
