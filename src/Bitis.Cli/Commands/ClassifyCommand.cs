using System.CommandLine;
using Bitis.Cli.Input;
using Bitis.Cli.Output;
using Bitis.Data;
using Bitis.Evaluation;
using Bitis.Runtime;
using Bitis.Tensors;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis classify</c>: what pictures show.</summary>
internal sealed class ClassifyCommand : BitisCommand
{
    private const int Answers = 5;

    private readonly ModelOptionSet _model;
    private readonly Argument<string[]> _images = CommonOptions.Files("IMAGE", "Image files, and folders or zips of them.");
    private readonly Option<string?> _classes = CommonOptions.Path(
        "--classes", "A text file with the classes' names, one a line, in the order of the model's outputs.", "FILE");

    private readonly Option<int> _batch = CommonOptions.Number("--batch", "Images at once.", 16, minimum: 1);
    private readonly Option<int?> _threads = CommonOptions.Threads();

    /// <summary>Creates the command.</summary>
    public ClassifyCommand(CliContext context)
        : base(
            "classify",
            "Says what images show: the five most probable classes of each.",
            "bitis classify vim.bitis cat.jpg photos/ --classes imagenet.txt",
            context)
    {
        _model = new ModelOptionSet(this, "MODEL");
        Arguments.Add(_images);
        Options.Add(_classes);
        Options.Add(_batch);
        Options.Add(_threads);
    }

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        LoadedModel model = LoadModel(_model.Reference(arguments), _model.Options(arguments), progress);
        IReadOnlyList<string>? names = arguments.GetValue(_classes) is { } file
            ? ClassNamesFile.Load(file, model.Config.Classes)
            : model.ClassNames;
        using InferenceSession session = model.CreateSession(arguments.GetValue(_threads) ?? 0);
        var results = new List<ImageAnswers>();
        foreach (string path in arguments.GetRequiredValue(_images))
        {
            using ImageSource source = ImageSource.Open(path);
            foreach (ImageBatch batch in ImageLoader.Load(
                source, model.Preprocessing, arguments.GetValue(_batch), session.Threads, Context.Cancellation))
            {
                Tensor answers = session.Run(batch.Images, Context.Cancellation);
                Logits.RequireFinite(answers, image => batch.Names[image]);
                ReadOnlySpan<float> logits = answers.Span;
                for (int i = 0; i < batch.Count; i++)
                    results.Add(new ImageAnswers(batch.Names[i], Rank(logits.Slice(i * model.Config.Classes, model.Config.Classes), names)));
                progress.Report(new WorkProgress(source.Description, batch.StartIndex + batch.Count, source.Count));
            }
        }
        return new ClassifyResult(model.Reference, results);
    }

    private static List<Answer> Rank(ReadOnlySpan<float> logits, IReadOnlyList<string>? names)
    {
        float[] probabilities = new float[logits.Length];
        Softmax.Compute(logits, probabilities);
        return [.. TopK.Indices(logits, Answers).Select(index => new Answer(index, names?[index], probabilities[index]))];
    }
}
