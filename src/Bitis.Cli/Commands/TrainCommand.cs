using System.CommandLine;
using Bitis.Cli.Input;
using Bitis.Cli.Output;
using Bitis.Data;
using Bitis.Models;
using Bitis.Training;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis train</c>: labeled images in, a trained model out.</summary>
internal sealed class TrainCommand : BitisCommand
{
    private readonly TrainingOptionSet _recipe;
    private readonly Option<string?> _data = CommonOptions.RequiredPath(
        "--data", "Images to train with, all with labels. A folder, a zip, CIFAR or IDX files.", "IMAGES");

    private readonly Option<string?> _validation = CommonOptions.Path(
        "--validation", "Other images of the same classes, to measure the accuracy with after each epoch.", "IMAGES");

    private readonly Option<string?> _output = CommonOptions.RequiredPath(
        "--output", "The folder of this training: checkpoint, models, log.csv and log.json.", "FOLDER");

    private readonly Option<bool> _resume = new("--resume")
    {
        Description = "Go on with the training in the folder; needs the same images, and takes the recipe from there.",
    };

    private readonly Option<int?> _take = CommonOptions.OptionalNumber("--take", "How many training images, drawn at random; by default all.");
    private readonly Option<string?> _initial = CommonOptions.Path(
        "--init", "A checkpoint whose weights the training starts with, instead of random ones.", "MODEL");

    private readonly Option<int?> _threads = CommonOptions.Threads();

    /// <summary>Creates the command.</summary>
    public TrainCommand(CliContext context)
        : base(
            "train",
            "Trains a model on labeled images; can be interrupted and resumed.",
            "bitis train --model vim-mini --data cifar10.zip/train --validation cifar10.zip/test --epochs 100 --output run",
            context)
    {
        _output.Aliases.Add("-o");
        foreach (Option option in (Option[])[_data, _validation, _output, _resume])
            Options.Add(option);
        _recipe = new TrainingOptionSet(this);
        foreach (Option option in (Option[])[_take, _initial, _threads])
            Options.Add(option);
    }

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        string folder = arguments.GetRequiredValue(_output)!;
        bool resumes = arguments.GetValue(_resume);
        if (resumes && arguments.GetValue(_initial) is not null)
            throw new BitisException("--init is for a new training; --resume goes on with the weights in the folder.");
        if (!resumes)
            new TrainingFolder(folder).RequireNew(); // refused before anything is loaded

        VisionModel? initial = arguments.GetValue(_initial) is { } reference ? LoadInitial(reference, progress) : null;
        TrainingRecipe usual = resumes ? Trainer.RecipeOf(folder)
            : initial is not null && !_recipe.NamesModel(arguments) ? new TrainingRecipe { Config = initial.Config }
            : new TrainingRecipe();
        TrainingRecipe recipe = _recipe.Read(arguments, usual);
        recipe.Validate();

        using ImageSource all = ImageSource.Open(arguments.GetRequiredValue(_data)!);
        ImageSource training = arguments.GetValue(_take) is { } count ? all.Take(count, recipe.Seed) : all;
        using ImageSource? validation = arguments.GetValue(_validation) is { } path ? ImageSource.Open(path) : null;
        var data = new TrainingData(training, validation);
        int threads = arguments.GetValue(_threads) ?? 0;
        Trainer trainer = resumes
            ? Trainer.Resume(recipe, data, folder, threads)
            : Trainer.Create(recipe, data, folder, threads, initial);
        return Train(trainer, recipe, data, progress);
    }

    private TrainResult Train(Trainer trainer, TrainingRecipe recipe, TrainingData data, IProgress<WorkProgress> progress)
    {
        try
        {
            trainer.Run(new TrainingDisplay(progress), Context.Cancellation);
        }
        catch (OperationCanceledException e) when (Context.Cancellation.IsCancellationRequested)
        {
            throw new BitisException(
                $"{trainer.Folder.Path}: stopped after {trainer.Epochs.Count} of {recipe.Epochs} epochs and {trainer.StepsOfEpoch} steps of the next; "
                + "the same command with --resume goes on from there.",
                e);
        }
        return TrainResult.Of(trainer, recipe, data);
    }

    private VisionModel LoadInitial(string reference, IProgress<WorkProgress> progress) =>
        LoadedModel.Load(reference, ModelOptions.Default, progress, Context.Cancellation).Float
        ?? throw BitisException.InFile(reference, "this model is quantized; --init takes a float32 checkpoint.");
}
