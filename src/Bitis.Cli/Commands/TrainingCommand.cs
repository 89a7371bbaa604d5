using System.CommandLine;
using Bitis.Cli.Input;
using Bitis.Cli.Output.Progress;
using Bitis.Cli.Output.Results;
using Bitis.Training;

namespace Bitis.Cli.Commands;

/// <summary>The base of commands that train: they read labeled images and write a folder with a model.</summary>
/// <remarks>Derived commands decide which model a training starts with.</remarks>
internal abstract class TrainingCommand : BitisCommand
{
    private readonly TrainingOptionSet _recipe;
    private readonly ImageOptionSet _imageOptions;
    private readonly Option<string?> _data = CommonOptions.RequiredPath(
        "--data", "Labeled images to train with. A folder, a zip or tar archive, CIFAR or IDX files.", "IMAGES");

    private readonly Option<string?> _validation = CommonOptions.Path(
        "--validation", "Other images of the same classes, to measure the accuracy after each epoch.", "IMAGES");

    private readonly Option<string?> _labels = CommonOptions.Path(
        "--labels",
        "For a model that segments: a folder of labels, a PNG file for each training image, of the same name.",
        "FOLDER");

    private readonly Option<string?> _validationLabels = CommonOptions.Path(
        "--validation-labels", "As --labels, for the validation images.", "FOLDER");

    private readonly Option<string?> _classes = CommonOptions.Path(
        "--classes", "A text file of the names of the classes of --labels, one on each line, in order.", "FILE");

    private readonly Option<string?> _output = CommonOptions.RequiredPath(
        "--output", "The folder of this training: checkpoint, models, log.csv and log.json.", "FOLDER");

    private readonly Option<bool> _resume = new("--resume")
    {
        Description = "Resume the training in the folder, with its recipe. It needs the same images.",
    };

    private readonly Option<int?> _take = CommonOptions.OptionalNumber(
        "--take", "How many training images, drawn at random; by default all.");
    private readonly Option<int?> _threads = CommonOptions.Threads();
    private readonly Option<bool> _dryRun = CommonOptions.DryRun();

    /// <summary>Creates the command.</summary>
    /// <param name="name">The command's name.</param>
    /// <param name="description">One sentence.</param>
    /// <param name="example">A complete command line for the help.</param>
    /// <param name="usual">The recipe with default values.</param>
    /// <param name="choosesModel">Whether the user chooses the architecture.</param>
    /// <param name="context">The command's context.</param>
    protected TrainingCommand(
        string name, string description, string example, TrainingRecipe usual, bool choosesModel, CliContext context)
        : base(name, description, example, context)
    {
        _output.Aliases.Add("-o");
        Option[] inputs = [_data, _labels, _validation, _validationLabels, _classes, _output, _resume];
        foreach (Option option in inputs)
            Options.Add(option);
        _recipe = new TrainingOptionSet(this, usual, choosesModel);
        foreach (Option option in (Option[])[_take, _threads, _dryRun])
            Options.Add(option);
        _imageOptions = new ImageOptionSet(this);
    }

    /// <summary>The model that a new training starts with; null for random weights.</summary>
    protected abstract LoadedModel? LoadInitial(ParseResult arguments, IProgress<WorkProgress> progress);

    /// <summary>Refuses options that do not apply to a resumed training.</summary>
    protected virtual void CheckResume(ParseResult arguments)
    {
    }

    /// <summary>Adapts model and recipe to the images; the text says what happened to the head.</summary>
    protected virtual (VisionModel? Model, TrainingRecipe Recipe, string? Head) Adapt(
        VisionModel? initial, TrainingRecipe recipe, TrainingData data) =>
        (initial, recipe, null);

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        string folder = arguments.GetRequiredValue(_output)!;
        bool resumes = arguments.GetValue(_resume);
        if (resumes && arguments.GetValue(_dryRun))
            throw new BitisException("--dry-run is for a new training; leave out --resume.");
        if (resumes)
            CheckResume(arguments);
        else
            new TrainingFolder(folder).RequireNew(); // refused before anything is loaded
        new TrainingFolder(folder).RequireWritable(
            arguments.GetRequiredValue(_data), arguments.GetValue(_validation), _recipe.File(arguments));

        LoadedModel? loaded = resumes ? null : LoadInitial(arguments, progress);
        new TrainingFolder(folder).RequireWritable([.. loaded?.Files ?? []]);
        VisionModel? initial = loaded?.Float;
        TrainingRecipe recipe = _recipe.Read(
            arguments, resumes ? Trainer.RecipeOf(folder, Context.Cancellation) : null, initial?.Config);
        recipe.Validate();

        using ImageSource all = _imageOptions.Open(
            arguments, arguments.GetRequiredValue(_data)!, this, Context.Cancellation);
        IReadOnlyList<string>? names = NamesOfLabels(arguments, folder, resumes, initial);
        using ImageSource labeled = Labeled(all, arguments, _labels, names);
        ImageSource training = arguments.GetValue(_take) is { } count
            ? labeled.Take(count, recipe.Seed)
            : labeled;
        using ImageSource? validation =
            arguments.GetValue(_validation) is { } path
                ? Labeled(
                    _imageOptions.Open(arguments, path, this, Context.Cancellation), arguments, _validationLabels,
                    names)
                : null;
        int threads = arguments.GetValue(_threads) ?? 0;
        (training, int skipped) =
            _imageOptions.Usable(arguments, training, threads, this, progress, Context.Cancellation);
        (ImageSource? usable, int skippedValidation) = validation is null
            ? (null, 0)
            : _imageOptions.Usable(arguments, validation, threads, this, progress, Context.Cancellation);
        var data = new TrainingData(training, usable);
        string? head = null;
        if (!resumes)
            (initial, recipe, head) = Adapt(initial, recipe, data);
        Trainer trainer = resumes
            ? Trainer.Resume(recipe, data, folder, threads, Context.Cancellation)
            : Trainer.Create(recipe, data, folder, threads, initial);
        if (arguments.GetValue(_dryRun))
            return DryRunResult.For(trainer, recipe, data, Context.Cancellation);
        TrainResult result = Train(trainer, recipe, data, head, progress);
        WarnOfDamaged(training);
        WarnOfDamaged(usable);
        return result with { Skipped = skipped, SkippedValidation = skippedValidation };
    }

    /// <summary>Loads a float32 model.</summary>
    /// <exception cref="BitisException">The model cannot be used, or is quantized.</exception>
    protected LoadedModel LoadFloat(
        string reference, ModelOptions options, string taker, IProgress<WorkProgress> progress)
    {
        LoadedModel model = LoadModel(reference, options, progress);
        if (model.Float is null)
        {
            throw BitisException.InFile(
                reference, $"this model is quantized; {taker} takes a float32 checkpoint.");
        }
        return model;
    }

    /// <summary>The names of the classes of pixels: those that the user gives, or those of the model.</summary>
    private IReadOnlyList<string>? NamesOfLabels(
        ParseResult arguments, string folder, bool resumes, VisionModel? initial)
    {
        if (arguments.GetValue(_labels) is null)
        {
            if (arguments.GetValue(_classes) is null && arguments.GetValue(_validationLabels) is null)
                return null;
            throw new BitisException("--classes and --validation-labels belong to --labels, which is missing.");
        }
        if (arguments.GetValue(_classes) is { } file)
            return ClassNamesFile.Load(file);
        return resumes ? Trainer.ClassNamesOf(folder, Context.Cancellation) : initial?.ClassNames;
    }

    private static ImageSource Labeled(
        ImageSource images, ParseResult arguments, Option<string?> labels, IReadOnlyList<string>? names)
    {
        if (arguments.GetValue(labels) is not { } folder)
            return images;
        ImageSource labeled = images.WithPixelLabels(folder);
        return names is null ? labeled : labeled.WithClassNames(names);
    }

    private TrainResult Train(
        Trainer trainer, TrainingRecipe recipe, TrainingData data, string? head, IProgress<WorkProgress> progress)
    {
        try
        {
            trainer.Run(new TrainingDisplay(progress), Context.Cancellation);
        }
        catch (OperationCanceledException e) when (Context.Cancellation.IsCancellationRequested)
        {
            throw new BitisException(
                $"{trainer.Folder.Path}: stopped after {trainer.Epochs.Count} of "
                + $"{DisplayText.Count(recipe.Epochs, "epoch")} and "
                + $"{DisplayText.Count(trainer.StepsOfEpoch, "step")} of the next; the same command with --resume "
                + "continues from there.",
                e);
        }
        return TrainResult.Of(trainer, recipe, data, head);
    }
}
