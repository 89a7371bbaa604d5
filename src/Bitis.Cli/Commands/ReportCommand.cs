using System.CommandLine;
using System.Text;
using Bitis.Cli.Input;
using Bitis.Cli.Output;
using Bitis.Cli.Output.Pages;
using Bitis.Cli.Output.Results;
using Bitis.Files;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis report</c>: shows results, trainings and models in one HTML file.</summary>
internal sealed class ReportCommand : BitisCommand
{
    private const string TrainingLog = "log.json";

    private readonly Argument<string[]> _inputs = CommonOptions.Files(
        "INPUT", "Results that commands wrote with --json, and folders of trainings.");

    private readonly Option<string?> _output = CommonOptions.RequiredPath(
        "--output", "The page to write; an existing file is replaced.", "OUT.html");

    private readonly Option<string?> _title = CommonOptions.Path("--title", "The title of the page.", "TEXT");

    /// <summary>Creates the command.</summary>
    public ReportCommand(CliContext context)
        : base(
            "report",
            "Shows results and trainings in one HTML file with charts, which needs no network.",
            "bitis report eval.json compare.json sensitivity.json -o report.html",
            context)
    {
        _output.Aliases.Add("-o");
        Arguments.Add(_inputs);
        foreach (Option option in (Option[])[_output, _title])
            Options.Add(option);
    }

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        string output = arguments.GetRequiredValue(_output)!;
        string[] inputs = arguments.GetRequiredValue(_inputs);
        using OutputTarget target = OutputTarget.Resolve(output);
        target.RequireWritable();
        target.RequireOtherThan(inputs);
        PageSection[] sections = [.. inputs.Select(Read)];
        var page = Page.Of(arguments.GetValue(_title) ?? "Bitis report", sections, RunRecord.Of(arguments));
        byte[] html = Encoding.UTF8.GetBytes(PageWriter.Write(page));
        AtomicFile.Write(output, stream => stream.Write(html), Context.Cancellation);
        if (target.Notice is { } notice)
            Warn(notice);
        return new ReportResult(output, html.Length, [.. page.Sections.Select(section => section.Title)]);
    }

    private static PageSection Read(string input)
    {
        string log = Path.Combine(input, TrainingLog);
        return ResultFile.Read(Directory.Exists(input) && File.Exists(log) ? log : input);
    }
}
