using System.CommandLine;
using System.Globalization;
using Bitis.Cli.Input;
using Bitis.Cli.Output;
using Bitis.Data;
using Bitis.Models;
using Bitis.Training;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis train</c>: trains a model from random weights, or goes on with a training.</summary>
internal sealed class TrainCommand : BitisCommand
{
    private readonly Option<string?> _model = CommonOptions.RequiredPath(
        "--model", $"The architecture: {string.Join(", ", SmallModels.Names)}.", "NAME");

    private readonly Option<string?> _data = CommonOptions.RequiredPath(
        "--data", "Images to learn from, with labels. A folder of class folders, a zip, CIFAR or IDX files.", "IMAGES");

    private readonly Option<string?> _validation = CommonOptions.Path(
        "--validation", "Images to evaluate with after each epoch.", "IMAGES");

    private readonly Option<string?> _output = CommonOptions.RequiredPath(
        "--output", "A folder for the model, the log and the checkpoint to resume from.", "FOLDER");

    private readonly Option<bool> _resume = new("--resume") { Description = "Go on with the training in the output folder, exactly where it stopped." };
    private readonly Option<int?> _epochs = CommonOptions.OptionalNumber("--epochs", "How often every image is seen. [default: 30]");
    private readonly Option<int?> _batch = CommonOptions.OptionalNumber("--batch", "Images a step. [default: 128]");
    private readonly Option<double?> _learningRate = CommonOptions.Parsed<double?>(
        "--learning-rate", "The learning rate after the warm-up. [default: 0.001]", ParseRate, "RATE");

    private readonly Option<int?> _images = CommonOptions.OptionalNumber("--images", "How many images to learn from, drawn at random; by default all.");
    private readonly Option<int> _seed = CommonOptions.Seed();
    private readonly Option<int?> _threads = CommonOptions.Threads();

    /// <summary>Creates the command.</summary>
    public TrainCommand(CliContext context)
        : base(
            "train",
            "Trains a model on images, from random weights. Can be stopped at any time, and resumed.",
            "bitis train --model vim-micro --data builtin/train --validation builtin/test --epochs 20 --output run",
            context)
    {
        foreach (Option option in (Option[])[_model, _data, _validation, _output, _resume, _epochs, _batch, _learningRate, _images, _seed, _threads])
            Options.Add(option);
    }

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        int seed = arguments.GetValue(_seed);
        var recipe = new TrainingRecipe { Seed = seed };
        recipe = recipe with
        {
            Epochs = arguments.GetValue(_epochs) ?? recipe.Epochs,
            BatchSize = arguments.GetValue(_batch) ?? recipe.BatchSize,
            LearningRate = arguments.GetValue(_learningRate) ?? recipe.LearningRate,
        };
        using ImageSource all = ImageSource.Open(arguments.GetRequiredValue(_data)!);
        ImageSource training = arguments.GetValue(_images) is { } count ? all.Take(count, seed) : all;
        using ImageSource? validation = arguments.GetValue(_validation) is { } path ? ImageSource.Open(path) : null;
        IReadOnlyList<string> names = all.ClassNames
            ?? throw new BitisException($"{all.Description}: the classes of these images are not known; training needs labels.");
        ModelConfig config = SmallModels.Get(arguments.GetRequiredValue(_model)!, names.Count);
        VisionModel model = VisionModel.CreateRandom(config, (ulong)seed).WithClassNames(names);

        using var trainer = new Trainer(model, training, validation, recipe, arguments.GetValue(_threads) ?? 0);
        var run = new TrainingRun(trainer, arguments.GetRequiredValue(_output)!, arguments.GetValue(_resume));
        run.Run(new StepProgress(progress), epochDone: null, Context.Cancellation);
        return new TrainResult(run.ModelPath, run.LogPath, trainer.History);
    }

    private static double? ParseRate(string text) => double.TryParse(text, CultureInfo.InvariantCulture, out double value) && value > 0
        ? value
        : throw new BitisException($"--learning-rate takes a positive number, not '{text}'.");

    /// <summary>Tells the display what a person wants to know about the training.</summary>
    private sealed class StepProgress(IProgress<WorkProgress> display) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => display.Report(new WorkProgress(
            "training",
            value.Step,
            value.Steps,
            $"epoch {value.Epoch} of {value.Epochs}, loss {value.Loss:F3}, top-1 {value.Top1:P1}, {value.ImagesPerSecond:F0} images/s, {value.Remaining:h\\:mm\\:ss} left"));
    }
}
