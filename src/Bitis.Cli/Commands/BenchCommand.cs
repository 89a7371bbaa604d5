using System.CommandLine;
using Bitis.Cli.Input;
using Bitis.Cli.Output.Parts;
using Bitis.Cli.Output.Results;
using Bitis.Data;
using Bitis.Data.BuiltIn;
using Bitis.Data.Decoding;
using Bitis.Evaluation;
using Bitis.Execution.Planning;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis bench</c>: measures a model's latency, also against another model in the same run.</summary>
internal sealed class BenchCommand : BitisCommand
{
    private readonly ModelOptionSet _model;
    private readonly Option<string?> _baseline = CommonOptions.Path(
        "--baseline", "A model to compare with; both are measured in turn.", "MODEL");

    private readonly Option<int> _images = CommonOptions.Number(
        "--images", "How many images are measured.", 50, minimum: 1);
    private readonly Option<int> _warmup = CommonOptions.Number(
        "--warmup", "How many images run before the measurement.", 10, minimum: 0);
    private readonly Option<int> _batch = CommonOptions.Number("--batch", "Images at once.", 1, minimum: 1);
    private readonly Option<int> _seed = CommonOptions.Seed();
    private readonly Option<bool> _profile =
        new("--profile") { Description = "Also show the time of each operation of the model." };
    private readonly DeviceOptionSet _device;
    private readonly Option<int?> _threads = CommonOptions.Threads();

    /// <summary>Creates the command.</summary>
    public BenchCommand(CliContext context)
        : base(
            "bench",
            "Measures a model's latency on generated images, alone or against a baseline.",
            "bitis bench vim.bitis --baseline vim_t.pth --threads 1",
            context)
    {
        _model = new ModelOptionSet(this, "MODEL");
        _device = new DeviceOptionSet(this);
        foreach (Option option in (Option[])[_baseline, _images, _warmup, _batch, _seed, _threads, _profile])
            Options.Add(option);
    }

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        int threads = arguments.GetValue(_threads) ?? 0, batch = arguments.GetValue(_batch);
        string?[] references = [_model.Reference(arguments), arguments.GetValue(_baseline)];
        IReadOnlyList<LoadedModel> models =
            LoadModels(references, _model.Options(arguments), progress);
        if (models.Any(model => model.Config.InputShape != models[0].Config.InputShape))
        {
            throw BitisException.InFile(
                models[1].Reference,
                $"the baseline takes images {models[1].Config.InputShape}, the model {models[0].Config.InputShape}.");
        }

        SessionOptions options = _device.Choose(arguments, threads, Warn);
        var sessions = new List<MeasuredSession>();
        try
        {
            sessions.AddRange(models.Select(model => model.CreateMeasured(options, Context.Cancellation)));
            IReadOnlyList<Latency> latencies = Latency.Measure(
                [.. sessions.Select(session => (Func<FloatTensor, CancellationToken, FloatTensor>)session.Run)],
                GenerateImages(models[0], batch, arguments.GetValue(_seed)),
                Runs(arguments.GetValue(_warmup), batch),
                Runs(arguments.GetValue(_images), batch),
                progress,
                Context.Cancellation);
            return new BenchResult(
                [.. models.Zip(latencies, sessions).Select(
                    m => ModelLatency.Of(
                        m.First.Reference, m.First.KindIn(m.Third.Floats), m.Second, m.Third.WeightBytes))],
                string.Join(", ", sessions.Select(session => session.Device).Distinct()),
                sessions[0].Threads,
                batch,
                arguments.GetValue(_profile) ? Profile(sessions[0], models[0], arguments) : null);
        }
        finally
        {
            foreach (MeasuredSession session in sessions)
                session.Dispose();
        }
    }

    private IReadOnlyList<ProfileLine> Profile(MeasuredSession session, LoadedModel model, ParseResult arguments)
    {
        FloatTensor image = GenerateImages(model, batch: 1, arguments.GetValue(_seed));
        var runs = new List<IReadOnlyList<OperationTime>>();
        for (int run = 0; run < arguments.GetValue(_images); run++)
            runs.Add(session.Profile(image, Context.Cancellation));
        return ProfileLine.Of(runs);
    }

    private static int Runs(int images, int batch) => (int)(((long)images + batch - 1) / batch);

    private FloatTensor GenerateImages(LoadedModel model, int batch, int seed)
    {
        using var source = new SyntheticImageSource(batch, model.Config.ImageSize, classes: 10, seed);
        return ImageLoader.Load(source, model.Preprocessing, batch, threads: 1, Context.Cancellation).Single().Images;
    }
}
