using System.CommandLine;
using Bitis.Analysis;
using Bitis.Cli.Input;
using Bitis.Cli.Output;
using Bitis.Cli.Output.Parts;
using Bitis.Cli.Output.Progress;
using Bitis.Cli.Output.Results;
using Bitis.Data;
using Bitis.Data.Decoding;
using Bitis.Evaluation;
using Bitis.Files;
using Bitis.Quantization.Scans;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis analyze</c>: what makes a model's scans hard to quantize, as numbers and figures.</summary>
internal sealed class AnalyzeCommand : BitisCommand
{
    private const string DiscreteA = "discreteA", HiddenState = "hiddenState";

    private readonly ModelOptionSet _model;
    private readonly Option<string?> _data = CommonOptions.RequiredPath(
        "--data", "Images to look at; labels are not needed.", "IMAGES");

    private readonly Option<string[]?> _sites = CommonOptions.Parsed<string[]?>(
        "--site", $"What to look at, with commas: {DiscreteA}, {HiddenState}. [default: both]", ParseSites, "SITES");

    private readonly Option<string?> _svg = CommonOptions.Path(
        "--svg", "A folder to write figures to, as SVG; it is created if it is missing.", "FOLDER");
    private readonly Option<int> _images = CommonOptions.Number(
        "--images", "How many images, drawn at random.", 64, minimum: 1);
    private readonly Option<int> _seed = CommonOptions.Seed();
    private readonly ImageOptionSet _imageOptions;
    private readonly Option<int?> _threads = CommonOptions.Threads();

    /// <summary>Creates the command.</summary>
    public AnalyzeCommand(CliContext context)
        : base(
            "analyze",
            "Shows how a model's discrete parameters and hidden states are distributed: what makes its scans hard to "
            + "quantize.",
            "bitis analyze vim_t.pth --data photos/ --site discreteA,hiddenState --svg figures",
            context)
    {
        _model = new ModelOptionSet(this, "MODEL");
        foreach (Option option in (Option[])[_data, _sites, _svg, _images, _seed, _threads])
            Options.Add(option);
        _imageOptions = new ImageOptionSet(this);
    }

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        string[] sites = arguments.GetValue(_sites) is { Length: > 0 } given ? given : [DiscreteA, HiddenState];
        string? folder = arguments.GetValue(_svg);
        string[] files = folder is null ? [] : [.. sites.Select(site => FigureFile(folder, site))];
        if (folder is not null)
            OutputFolder.RequireWritable(folder);
        LoadedModel model = LoadModel(_model.Reference(arguments), _model.Options(arguments), progress);
        if (model.Float is null)
        {
            throw BitisException.InFile(
                model.Reference, "this model is quantized already; give the checkpoint that it was made of.");
        }

        string data = arguments.GetRequiredValue(_data)!;
        List<string> notices = [];
        foreach (OutputTarget target in files.Where(_ => Directory.Exists(folder)).Select(OutputTarget.Resolve))
        {
            using OutputTarget checkedTarget = target;
            target.RequireWritable();
            target.RequireOtherThan([.. model.Files, data]);
            if (target.Notice is { } notice)
                notices.Add(notice);
        }
        using ImageSource source = _imageOptions.Open(arguments, data, this, Context.Cancellation);
        ImageSource images = source.Take(arguments.GetValue(_images), arguments.GetValue(_seed));
        int threads = arguments.GetValue(_threads) ?? 0;
        (images, int skipped) = _imageOptions.Usable(arguments, images, threads, this, progress, Context.Cancellation);
        IReadOnlyList<ScanStatistics> scans = ScanAnalyzer.Run(
            model.Float,
            ImageLoader.Load(
                images, model.Preprocessing, batchSize: 8, threads, Context.Cancellation).Select(batch => batch.Images),
            threads,
            new ProgressWithTotal(progress, images.Count),
            Context.Cancellation);
        WarnOfDamaged(images);
        bool decay = sites.Contains(DiscreteA), hidden = sites.Contains(HiddenState);
        ScanReport[] reports = [.. scans.Select(scan => ScanReport.Of(scan, decay, hidden))];
        List<string> figures = [];
        notices.ForEach(Warn);
        if (folder is not null)
        {
            OutputFolder.Fill(folder, () =>
            {
                if (decay)
                    figures.Add(Write(FigureFile(folder, DiscreteA), DecayChart(reports)));
                if (hidden)
                    figures.Add(Write(FigureFile(folder, HiddenState), HiddenStateChart(reports)));
            });
        }
        return new AnalyzeResult(
            model.Reference,
            source.Description,
            images.Count,
            skipped,
            ClassMap.Describe(images, model.Config.Classes, model.ClassNames),
            reports,
            figures);
    }

    private static SvgChart DecayChart(ScanReport[] scans)
    {
        var chart = new SvgChart(
            "Discrete parameters exp(ΔA): distribution by scan", "value", "share of the values in a bin of 0.02",
            logarithmic: true);
        foreach (ScanReport scan in scans)
        {
            chart.Add(
                scan.Name,
                scan.DiscreteA!.Histogram.Select((share, i) => ((i + 0.5) / scan.DiscreteA.Histogram.Count, share)));
        }

        return chart;
    }

    private static SvgChart HiddenStateChart(ScanReport[] scans)
    {
        var chart = new SvgChart(
            "Hidden states: largest magnitude at each token", "token, in the order of the scan", "max |h|",
            logarithmic: true);
        foreach (ScanReport scan in scans)
            chart.Add(scan.Name, scan.HiddenState!.TokenMaxima.Select((value, t) => ((double)t, (double)value)));
        return chart;
    }

    private static string FigureFile(string folder, string site) => Path.Combine(folder, $"{site}.svg");

    private static string Write(string path, SvgChart chart)
    {
        AtomicFile.Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(chart.Render())));
        return path;
    }

    private static string[] ParseSites(string text)
    {
        string[] sites = [.. text.Split(',', StringSplitOptions.TrimEntries).Distinct()];
        foreach (string site in sites)
        {
            if (site is not (DiscreteA or HiddenState))
            {
                throw new BitisException(
                    $"There is no site '{site}' to analyze; the sites are {DiscreteA} and {HiddenState}.");
            }
        }
        return sites;
    }
}
