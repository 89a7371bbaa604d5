using System.CommandLine;
using Bitis.Cli.Input;
using Bitis.Models;
using Bitis.Training;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis finetune</c>: a trained model and labeled images in, a model for these images out.</summary>
internal sealed class FinetuneCommand : TrainingCommand
{
    private readonly ModelOptionSet _model;

    /// <summary>Creates the command.</summary>
    public FinetuneCommand(CliContext context)
        : base(
            "finetune",
            "Trains a model on other images, with a new head if their classes are others; can be interrupted and resumed.",
            "bitis finetune vim_t.pth --data flowers/train --validation flowers/test --freeze 'patch_embed*' --backward hlq --output run",
            new TrainingRecipe { Epochs = 10, LearningRate = 3e-4 },
            choosesModel: false,
            context)
        => _model = new ModelOptionSet(this, "CHECKPOINT", takesQuantized: false);

    /// <inheritdoc />
    protected override LoadedModel? LoadInitial(ParseResult arguments, IProgress<WorkProgress> progress) =>
        LoadFloat(_model.Reference(arguments), _model.Options(arguments), "finetune", progress);

    /// <inheritdoc />
    protected override (VisionModel? Model, TrainingRecipe Recipe, string? Head) Adapt(VisionModel? initial, TrainingRecipe recipe, TrainingData data)
    {
        VisionModel model = initial!;
        string? difference = model.Config.Classes != data.Classes ? $"{data.Classes} classes, where the checkpoint has {model.Config.Classes}"
            : model.ClassNames is { } old && data.ClassNames is { } names && !old.SequenceEqual(names) ? $"{data.Classes} other classes than the checkpoint's"
            : null;
        if (difference is not null)
            model = model.WithNewHead(data.Classes, (ulong)recipe.Seed);
        string head = difference is null ? "the checkpoint's, since the classes are the same" : $"new, for {difference}";
        return (model, recipe with { Config = model.Config }, head);
    }
}
