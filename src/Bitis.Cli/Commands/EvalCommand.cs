using System.CommandLine;
using Bitis.Cli.Input;
using Bitis.Cli.Output;
using Bitis.Cli.Output.Results;
using Bitis.Data.Decoding;
using Bitis.Evaluation;
using Bitis.Execution.Sessions;
using Bitis.Graphs;
using Bitis.Kernels.Dispatch;
using Bitis.Models.Poses;
using Bitis.Models.Segmentation;
using Bitis.Quantization;
using Bitis.Tensors;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis eval</c>: measures a model's accuracy, and its agreement with the original float model.</summary>
internal sealed class EvalCommand : BitisCommand
{
    private readonly ModelOptionSet _model;
    private readonly Option<string?> _data = CommonOptions.RequiredPath(
        "--data", "Images to evaluate; accuracy needs labels. "
        + "A folder, a zip or tar archive, CIFAR or IDX files.", "IMAGES");

    private readonly Option<string?> _baseline = CommonOptions.Path(
        "--baseline", "A model to compare with: the float checkpoint, or another .bitis file.", "MODEL");

    private readonly Option<string?> _classes = CommonOptions.Path(
        "--classes",
        "A text file of the images' class names, one on each line, in the order of their labels.",
        "FILE");

    private readonly Option<string?> _labels = CommonOptions.Path(
        "--labels",
        "For a model that segments: a folder of ground truth, a PNG file for each image, of the same name.",
        "FOLDER");

    private readonly Option<SlidingWindow?> _window = WindowOption.Create();

    private readonly Option<bool> _simulate = new("--simulate")
    {
        Description = "Also simulate the quantized model in float32, and compare the integer results with it.",
    };

    private readonly Option<bool> _confusion =
        new("--confusion") { Description = "Also show accuracy by class, and the most frequent confusions." };
    private readonly Option<int?> _images = CommonOptions.OptionalNumber(
        "--images", "How many images, drawn at random; by default all.");
    private readonly Option<int> _batch = CommonOptions.Number("--batch", "Images at once.", 16, minimum: 1);
    private readonly Option<int> _seed = CommonOptions.Seed();
    private readonly ImageOptionSet _imageOptions;
    private readonly DeviceOptionSet _device;
    private readonly Option<int?> _threads = CommonOptions.Threads();

    /// <summary>Creates the command.</summary>
    public EvalCommand(CliContext context)
        : base(
            "eval",
            "Evaluates a model: accuracy (or mean IoU), agreement with a baseline, images per second.",
            "bitis eval vim.bitis --data photos/ --baseline vim_t.pth",
            context)
    {
        _model = new ModelOptionSet(this, "MODEL");
        _device = new DeviceOptionSet(this);
        Option[] options =
        [
            _data, _classes, _labels, _window, _baseline, _simulate, _confusion, _images, _batch, _seed, _threads,
        ];
        foreach (Option option in options)
            Options.Add(option);
        _imageOptions = new ImageOptionSet(this);
    }

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        using ImageSource source = _imageOptions.Open(
            arguments, arguments.GetRequiredValue(_data)!, this, Context.Cancellation);
        ImageSource images = arguments.GetValue(_classes) is { } file
            ? source.WithClassNames(ClassNamesFile.Load(file))
            : source;
        if (arguments.GetValue(_images) is { } count)
            images = images.Take(count, arguments.GetValue(_seed));
        int threads = arguments.GetValue(_threads) ?? 0;
        string?[] references = [_model.Reference(arguments), arguments.GetValue(_baseline)];
        IReadOnlyList<LoadedModel> models =
            LoadModels(references, _model.Options(arguments), progress);
        LoadedModel model = models[0];
        SessionOptions options = _device.Choose(arguments, threads, Warn);
        if (model.Config is IDenseConfig)
            return Segmentation(arguments, model, options, source, images, progress);
        Refuse(arguments, "is for models that segment; this one classifies images", _labels, _window);
        using InferenceSession session = model.CreateSession(options, Context.Cancellation);
        if (model.Config is PoseConfig)
            return Poses(arguments, model, session, source, images, progress);

        var others = new List<(string Name, Func<FloatTensor, CancellationToken, FloatTensor> Run)>();
        using InferenceSession? baseline = models.Count > 1 ? LoadBaseline(models[1], model, options) : null;
        if (baseline is not null)
            others.Add(("baseline", InOrderOf(model, baseline)));
        using var simulation = new VectorizedEvaluator(threads);
        if (arguments.GetValue(_simulate))
            others.Add(("simulation", Simulate(model, simulation)));

        (images, int skipped) = _imageOptions.Usable(arguments, images, threads, this, progress, Context.Cancellation);
        Func<FloatTensor, CancellationToken, FloatTensor>[] functions = [.. others.Select(r => r.Run)];
        var evaluator = new Evaluator(session.Run, model.Config.Classes, model.ClassNames, functions)
        {
            BatchSize = arguments.GetValue(_batch),
            LoaderThreads = ThreadCount.Resolve(threads),
        };
        EvaluationResult result = evaluator.Run(images, model.Preprocessing, progress, Context.Cancellation);
        WarnOfDamaged(images);
        return EvalReport.Of(
            model,
            source.Description,
            result,
            skipped,
            [.. others.Select(r => r.Name)],
            session,
            arguments.GetValue(_confusion));
    }

    private SegmentationReport Segmentation(
        ParseResult arguments, LoadedModel model, SessionOptions options, ImageSource source, ImageSource images,
        IProgress<WorkProgress> progress)
    {
        Refuse(
            arguments, "does not apply to models that segment", _classes, _baseline, _simulate, _confusion, _batch);
        if (arguments.GetValue(_labels) is { } labels)
        {
            images = images.WithPixelLabels(labels);
        }
        else if (!images.HasPixelLabels)
        {
            throw BitisException.InFile(
                model.Reference, "this model segments images; give the folder of ground truth (--labels).");
        }
        if (images.ClassNames is { } names && model.ClassNames is { } known && !names.SequenceEqual(known))
        {
            throw BitisException.InFile(
                model.Reference,
                $"the model's classes ({InWords.Of(known)}) are not those of the images ({InWords.Of(names)}).");
        }
        using SegmentationSession session = model.CreateSegmentation(options, Context.Cancellation);
        (images, int skipped) = _imageOptions.Usable(
            arguments, images, session.Threads, this, progress, Context.Cancellation);
        var evaluation = new SegmentationEvaluation(session);
        SegmentationScores scores = evaluation.Run(
            images, arguments.GetValue(_window), progress, Context.Cancellation);
        WarnOfDamaged(images);
        return SegmentationReport.Of(
            model, source.Description, scores, skipped, evaluation.ModelTime, session.Threads);
    }

    private PoseReport Poses(
        ParseResult arguments, LoadedModel model, InferenceSession session, ImageSource source, ImageSource images,
        IProgress<WorkProgress> progress)
    {
        Refuse(arguments, "does not apply to models that give poses", _classes, _baseline, _simulate, _confusion);
        if (!images.HasPoses)
        {
            throw BitisException.InFile(
                model.Reference,
                "this model gives the pose of a shape, which is known for builtin/train and builtin/test only.");
        }
        int threads = arguments.GetValue(_threads) ?? 0;
        (images, int skipped) = _imageOptions.Usable(arguments, images, threads, this, progress, Context.Cancellation);
        var evaluation = new PoseEvaluation(session)
        {
            BatchSize = arguments.GetValue(_batch),
            LoaderThreads = ThreadCount.Resolve(threads),
        };
        PoseErrors errors = evaluation.Run(images, progress, Context.Cancellation);
        return PoseReport.Of(model, source.Description, errors, skipped, evaluation.ModelTime, session);
    }

    /// <summary>Refuses options that do not apply to the model.</summary>
    private static void Refuse(ParseResult arguments, string reason, params ReadOnlySpan<Option> options)
    {
        foreach (Option option in options)
        {
            if (arguments.GetResult(option) is { Implicit: false })
                throw new BitisException($"{option.Name} {reason}. Leave the option out.");
        }
    }

    private InferenceSession LoadBaseline(LoadedModel baseline, LoadedModel model, SessionOptions options)
    {
        if (baseline.Config.Classes != model.Config.Classes || baseline.Config.InputShape != model.Config.InputShape)
        {
            throw BitisException.InFile(
                baseline.Reference,
                $"the baseline takes images {baseline.Config.InputShape} and has "
                    + $"{DisplayText.Count(baseline.Config.Classes, "class")}, "
                + $"the model {model.Config.InputShape} and {model.Config.Classes}; their outputs cannot be compared.");
        }
        baseline.Config.RequireClasses();
        return baseline.CreateSession(options, Context.Cancellation);
    }

    /// <summary>The logits of a baseline in the order of the model's classes.</summary>
    private static Func<FloatTensor, CancellationToken, FloatTensor> InOrderOf(
        LoadedModel model, InferenceSession baseline)
    {
        if (model.ClassNames is not { } names || baseline.ClassNames is not { } others || names.SequenceEqual(others))
            return baseline.Run;
        int[] order = ClassMap.Permutation(names, others) ?? throw new BitisException(
            $"{model.Reference}: the baseline has other classes ({InWords.Of(others)}) than the model "
            + $"({InWords.Of(names)}); their outputs cannot be compared.");
        return (images, cancellation) =>
        {
            FloatTensor answers = baseline.Run(images, cancellation), ordered = new(answers.Shape);
            for (int i = 0; i < ordered.Length; i++)
                ordered.Span[i] = answers.Span[(i / order.Length * order.Length) + order[i % order.Length]];
            return ordered;
        };
    }

    private static Func<FloatTensor, CancellationToken, FloatTensor> Simulate(
        LoadedModel model, VectorizedEvaluator evaluator)
    {
        QuantizedModel quantized = model.Quantized
            ?? throw BitisException.InFile(model.Reference, "--simulate is for quantized models; this one is float32.");
        return new GraphExecutor(
            quantized.Graph, quantized.DequantizeWeights(),
            new SimulatedEvaluator(evaluator, quantized.Layers, quantized.Scans)).Run;
    }
}
