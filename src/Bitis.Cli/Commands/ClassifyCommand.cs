using System.CommandLine;
using Bitis.Cli.Input;
using Bitis.Cli.Output;
using Bitis.Cli.Output.Parts;
using Bitis.Cli.Output.Results;
using Bitis.Data;
using Bitis.Data.Decoding;
using Bitis.Evaluation;
using Bitis.Files;
using Bitis.Graphs;
using Bitis.Kernels.Dispatch;
using Bitis.Tensors;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis classify</c>: shows the most probable classes of images.</summary>
internal sealed class ClassifyCommand : BitisCommand
{
    private readonly ModelOptionSet _model;
    private readonly Argument<string[]> _images = CommonOptions.Files(
        "IMAGE", "Image files, and folders, zips or tar archives of them.");

    private readonly ImageOptionSet _imageOptions;
    private readonly Option<string?> _classes = CommonOptions.Path(
        "--classes", "A text file of class names, one on each line, in the order of the model's outputs.", "FILE");

    private readonly Option<int> _top = CommonOptions.Number(
        "--top", "How many classes of each image are shown.", 5, minimum: 1);

    private readonly Option<string?> _output = CommonOptions.Path(
        "--output", "Also write the classes of each image to a CSV file.", "FILE");

    private readonly Option<int> _batch = CommonOptions.Number("--batch", "Images at once.", 16, minimum: 1);
    private readonly DeviceOptionSet _device;
    private readonly Option<int?> _threads = CommonOptions.Threads();

    /// <summary>Creates the command.</summary>
    public ClassifyCommand(CliContext context)
        : base(
            "classify",
            "Shows the most probable classes of each image.",
            "bitis classify vim.bitis cat.jpg photos/ --classes imagenet.txt",
            context)
    {
        _model = new ModelOptionSet(this, "MODEL");
        Arguments.Add(_images);
        Options.Add(_classes);
        Options.Add(_top);
        _output.Aliases.Add("-o");
        Options.Add(_output);
        Options.Add(_batch);
        _device = new DeviceOptionSet(this);
        Options.Add(_threads);
        _imageOptions = new ImageOptionSet(this);
    }

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        string? output = arguments.GetValue(_output);
        using OutputTarget? target = output is null ? null : OutputTarget.Resolve(output);
        target?.RequireOtherThan([_model.Reference(arguments), .. arguments.GetRequiredValue(_images)]);
        target?.RequireWritable();
        LoadedModel model = LoadModel(_model.Reference(arguments), _model.Options(arguments), progress);
        model.Config.RequireClasses();
        IReadOnlyList<string>? names = arguments.GetValue(_classes) is { } file
            ? ClassNamesFile.Load(file, model.Config.Classes)
            : model.ClassNames;
        int threads = ThreadCount.Resolve(arguments.GetValue(_threads) ?? 0);
        using InferenceSession session = model.CreateSession(
            _device.Choose(arguments, threads, Warn), Context.Cancellation);
        var answers = new List<ImageAnswers>();
        var bad = new List<BadImage>();
        foreach (string path in arguments.GetRequiredValue(_images))
        {
            using ImageSource? source = OpenOrNote(arguments, path, bad);
            if (source is null)
                continue;
            var check = ImageCheck.Of(source, threads, progress, Context.Cancellation);
            bad.AddRange(check.Bad);
            WarnOfDamaged(source);
            if (check.Good is { } images)
                answers.AddRange(Answer(session, images, names, arguments, threads, progress));
        }
        bool skips = _imageOptions.Skips(arguments);
        if (answers.Count == 0)
        {
            throw new BitisException(
                bad.Count == 1
                    ? bad[0].Reason
                    : $"None of the {bad.Count} images can be used. The first: {bad[0].Reason}");
        }
        WarnOfSkipped(bad);
        if (bad.Count > 0 && !skips)
            Warn("The exit code is 2 because images were left out; with --bad-images skip it is 0.");
        if (output is not null)
            AnswersFile.Write(output, answers, Context.Cancellation);
        return new ClassifyResult(model.Reference, session.Device, answers, bad, Fails: !skips);
    }

    private ImageSource? OpenOrNote(ParseResult arguments, string path, List<BadImage> bad)
    {
        try
        {
            return _imageOptions.Open(arguments, path, this, Context.Cancellation);
        }
        catch (BitisException e)
        {
            bad.Add(new BadImage(path, e.Message));
            return null;
        }
    }

    private IEnumerable<ImageAnswers> Answer(
        InferenceSession session,
        ImageSource images,
        IReadOnlyList<string>? names,
        ParseResult arguments,
        int threads,
        IProgress<WorkProgress> progress)
    {
        int classes = session.Config.Classes, top = arguments.GetValue(_top);
        foreach (ImageBatch batch in ImageLoader.Load(
            images, session.Preprocessing, arguments.GetValue(_batch), threads, Context.Cancellation))
        {
            FloatTensor answers = session.Run(batch.Images, Context.Cancellation);
            Logits.RequireFinite(answers, image => batch.Names[image]);
            for (int i = 0; i < batch.Count; i++)
            {
                yield return new ImageAnswers(
                    batch.Names[i], Rank(answers.Span.Slice(i * classes, classes), names, top));
            }
            progress.Report(new WorkProgress(images.Description, batch.StartIndex + batch.Count, images.Count));
        }
    }

    private static List<Answer> Rank(ReadOnlySpan<float> logits, IReadOnlyList<string>? names, int top)
    {
        float[] probabilities = new float[logits.Length];
        Softmax.Compute(logits, probabilities);
        return [.. TopK.Indices(logits, Math.Min(top, logits.Length)).Select(
            index => new Answer(index, names?[index], probabilities[index]))];
    }
}
