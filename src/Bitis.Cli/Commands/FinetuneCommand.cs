using System.CommandLine;
using Bitis.Cli.Input;
using Bitis.Models.Poses;
using Bitis.Training;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis finetune</c>: trains a pretrained model on labeled images.</summary>
internal sealed class FinetuneCommand : TrainingCommand
{
    private readonly ModelOptionSet _model;

    /// <summary>Creates the command.</summary>
    public FinetuneCommand(CliContext context)
        : base(
            "finetune",
            "Trains a pretrained model on other images, with a new head if their classes differ. Can be interrupted "
            + "and resumed.",
            "bitis finetune vim_t.pth --data flowers/train --validation flowers/test --freeze 'patch_embed*' "
            + "--backward hlq --output run",
            new TrainingRecipe { Epochs = 10, LearningRate = 3e-4 },
            choosesModel: false,
            context)
        => _model = new ModelOptionSet(this, "CHECKPOINT", takesQuantized: false);

    /// <inheritdoc />
    protected override LoadedModel? LoadInitial(ParseResult arguments, IProgress<WorkProgress> progress) =>
        LoadFloat(_model.Reference(arguments), _model.Options(arguments), "finetune", progress);

    /// <inheritdoc />
    protected override (VisionModel? Model, TrainingRecipe Recipe, string? Head) Adapt(
        VisionModel? initial, TrainingRecipe recipe, TrainingData data)
    {
        VisionModel model = initial!;
        (model, string head) = WithHeadFor(model, data, (ulong)recipe.Seed);
        return (model, recipe with { Config = model.Config }, head);
    }

    /// <summary>The model with a head for the images' classes, which keeps the rows of classes that it knows.</summary>
    private static (VisionModel Model, string Head) WithHeadFor(VisionModel model, TrainingData data, ulong seed)
    {
        if (model.Config is PoseConfig)
            return (model, "the checkpoint's, which gives poses");
        const string Same = "the checkpoint's, since the classes are the same";
        if (model.ClassNames is not { } known || data.ClassNames is not { } names)
        {
            if (model.Config.Classes == data.Classes || data.Classes == 0)
                return (model, Same);
            string numbers = $"{DisplayText.Count(data.Classes, "class")}, where the checkpoint has "
                + $"{model.Config.Classes}";
            return (model.WithNewHead(data.Classes, seed), $"new, for {numbers}");
        }
        if (known.SequenceEqual(names))
            return (model, Same);
        (VisionModel changed, int kept) = KnownHead.For(model, names, seed);
        return (changed, kept == 0
            ? $"new, for {DisplayText.Count(names.Count, "class")}, none of which is one of the checkpoint's "
                + $"{known.Count}"
            : $"for {DisplayText.Count(names.Count, "class")}, of which {kept} keep what the checkpoint knows of them");
    }
}
