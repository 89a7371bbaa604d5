using System.CommandLine;
using System.Text;
using Bitis.Cli.Input;
using Bitis.Cli.Output;
using Bitis.Cli.Output.Pages;
using Bitis.Cli.Output.Results;
using Bitis.Files;
using Bitis.Kernels.Dispatch;

namespace Bitis.Cli.Commands.Reporting;

/// <summary><c>bitis report</c>: shows results, trainings and models in one HTML file.</summary>
internal sealed class ReportCommand : BitisCommand
{
    private const string TrainingLog = "log.json", WeightsIndex = ".index.json";

    private readonly Argument<string[]> _inputs = CommonOptions.Files(
        "INPUT", "Results that commands wrote with --json, folders of trainings, and models.");

    private readonly Option<string?> _output = CommonOptions.RequiredPath(
        "--output", "The page to write; an existing file is replaced.", "OUT.html");

    private readonly Option<string?> _title = CommonOptions.Path("--title", "The title of the page.", "TEXT");
    private readonly Option<string?> _calibration = CommonOptions.Path(
        "--calibration", "Images that pass through the models, for histograms of their values.", "IMAGES");

    private readonly Option<string?> _data = CommonOptions.Path(
        "--data", "Images on which quantized models are compared with --baseline.", "IMAGES");

    private readonly Option<string?> _baseline = CommonOptions.Path(
        "--baseline", "The float model that the quantized models were made from.", "MODEL");

    private readonly Option<int> _images = CommonOptions.Number(
        "--images", "How many images of --calibration, drawn at random.", 64, minimum: 1);

    private readonly Option<int?> _limit = CommonOptions.OptionalNumber(
        "--limit", "How many images of --data, drawn at random; by default all.");

    private readonly Option<int> _seed = CommonOptions.Seed();
    private readonly Option<int?> _threads = CommonOptions.Threads();
    private readonly ModelOptionSet _model;
    private readonly ImageOptionSet _imageOptions;

    /// <summary>Creates the command.</summary>
    public ReportCommand(CliContext context)
        : base(
            "report",
            "Shows results, trainings and models in one HTML file with charts, which needs no network.",
            "bitis report eval.json compare.json vim.bitis --calibration photos/ -o report.html",
            context)
    {
        _output.Aliases.Add("-o");
        Arguments.Add(_inputs);
        Option[] options = [_output, _title, _calibration, _data, _baseline, _images, _limit, _seed, _threads];
        foreach (Option option in options)
            Options.Add(option);
        _model = new ModelOptionSet(this);
        _imageOptions = new ImageOptionSet(this);
    }

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        string output = arguments.GetRequiredValue(_output)!;
        string[] inputs = arguments.GetRequiredValue(_inputs);
        string? calibration = arguments.GetValue(_calibration), data = arguments.GetValue(_data);
        string? baseline = arguments.GetValue(_baseline);
        using OutputTarget target = OutputTarget.Resolve(output);
        target.RequireWritable();
        target.RequireOtherThan([.. inputs, calibration, data, baseline]);
        if (data is null != baseline is null && (data is not null || calibration is null))
        {
            throw new BitisException(
                "--data and --baseline belong together: they show on which images a model and its original disagree.");
        }

        // Results are read before models run, so that a wrong file is refused at once.
        var results = inputs.Where(input => !IsModel(input)).Distinct().ToDictionary(input => input, Read);
        string[] models = [.. inputs.Where(IsModel).Distinct()];
        if (models.Length > 0 && calibration is null && data is null)
        {
            throw BitisException.InFile(
                models[0], "this is neither a result in JSON nor the folder of a training, so it is taken for a model. "
                    + "For a model, a report needs images: give --calibration IMAGES, or --data IMAGES and "
                    + "--baseline MODEL.");
        }
        IReadOnlyList<LoadedModel> loaded = models.Length == 0
            ? []
            : LoadModels([.. models, baseline], _model.Options(arguments), progress);
        target.RequireOtherThan(loaded.SelectMany(model => model.Files));
        var sections = models.Zip(loaded).ToDictionary(
            pair => pair.First,
            pair => OfModel(arguments, pair.Second, loaded.Count > models.Length ? loaded[^1] : null, progress));
        var page = Page.Of(
            arguments.GetValue(_title) ?? "Bitis report",
            [.. inputs.Distinct().SelectMany(input => results.TryGetValue(input, out PageSection? section)
                ? [section] : sections[input])],
            RunRecord.Of(arguments));
        byte[] html = Encoding.UTF8.GetBytes(PageWriter.Write(page));
        AtomicFile.Write(output, stream => stream.Write(html), Context.Cancellation);
        if (target.Notice is { } notice)
            Warn(notice);
        return new ReportResult(output, html.Length, [.. page.Sections.Select(section => section.Title)]);
    }

    /// <summary>Whether an input is a model: neither JSON nor a folder of a training.</summary>
    private static bool IsModel(string input) =>
        input.EndsWith(WeightsIndex, StringComparison.OrdinalIgnoreCase)
        || !(input.EndsWith(".json", StringComparison.OrdinalIgnoreCase) || File.Exists(LogOf(input)));

    private static string LogOf(string folder) => Path.Combine(folder, TrainingLog);

    private static PageSection Read(string input) =>
        ResultFile.Read(File.Exists(LogOf(input)) ? LogOf(input) : input);

    private List<PageSection> OfModel(
        ParseResult arguments, LoadedModel model, LoadedModel? baseline, IProgress<WorkProgress> progress)
    {
        int seed = arguments.GetValue(_seed), threads = ThreadCount.Resolve(arguments.GetValue(_threads) ?? 0);
        var sections = new ModelSections(model, baseline, threads, progress, Context.Cancellation);
        var found = new List<PageSection>();
        if (arguments.GetValue(_calibration) is { } calibration)
        {
            using ImageSource source = _imageOptions.Open(arguments, calibration, this, Context.Cancellation);
            ImageSource images = Usable(source.Take(arguments.GetValue(_images), seed));
            found.AddRange(sections.OfValues(images, source.Description, seed));
            WarnOfDamaged(images);
        }
        if (arguments.GetValue(_data) is { } data && model.Quantized is not null)
        {
            using ImageSource source = _imageOptions.Open(arguments, data, this, Context.Cancellation);
            ImageSource images = Usable(
                arguments.GetValue(_limit) is { } limit ? source.Take(limit, seed) : source);
            found.Add(sections.OfDisagreements(images, source.Description));
            WarnOfDamaged(images);
        }
        return found;

        ImageSource Usable(ImageSource images) =>
            _imageOptions.Usable(arguments, images, threads, this, progress, Context.Cancellation).Images;
    }
}
