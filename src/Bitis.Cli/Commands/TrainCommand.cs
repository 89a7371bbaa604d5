using System.CommandLine;
using Bitis.Cli.Input;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis train</c>: labeled images in, a trained model out.</summary>
internal sealed class TrainCommand : TrainingCommand
{
    private readonly Option<string?> _initial = CommonOptions.Path(
        "--init",
            "A checkpoint of the same architecture and classes whose weights the training starts with, instead of "
            + "random ones.",
            "MODEL");

    /// <summary>Creates the command.</summary>
    public TrainCommand(CliContext context)
        : base(
            "train",
            "Trains a model on labeled images; can be interrupted and resumed.",
            "bitis train --model vim-mini --data cifar10.zip/train --validation cifar10.zip/test --epochs 100 "
            + "--output run",
            new TrainingRecipe(),
            choosesModel: true,
            context)
        => Options.Add(_initial);

    /// <inheritdoc />
    protected override LoadedModel? LoadInitial(ParseResult arguments, IProgress<WorkProgress> progress) =>
        arguments.GetValue(_initial) is { } reference
            ? LoadFloat(reference, ModelOptions.Default, "--init", progress)
            : null;

    /// <inheritdoc />
    protected override void CheckResume(ParseResult arguments)
    {
        if (arguments.GetValue(_initial) is not null)
            throw new BitisException("--init is for a new training; --resume goes on with the weights in the folder.");
    }
}
