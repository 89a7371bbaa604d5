using System.CommandLine;
using Bitis.Cli.Output.Parts.Catalogue;
using Bitis.Cli.Output.Results;
using Bitis.Models;
using Bitis.Models.Catalogue;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis models</c>: lists the models that come with Bitis, are published, or can be trained.</summary>
internal sealed class ModelsCommand(CliContext context) : BitisCommand(
    "models",
    "Lists models by name: those that come with Bitis, published checkpoints, and architectures to train.",
    "bitis models --json",
    context)
{
    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress) => new ModelsResult(
        [.. ShippedModels.Names.Select(Shipped)],
        [.. ModelCatalogue.Variants.Select(variant => new PublishedModel(
            variant.Name, variant.Config.Family, variant.Config.BuildGraph().ParameterCount, variant.PublishedTop1,
            variant.Source))],
        [.. SmallModels.Names.Select(Architecture)]);

    private ShippedModel Shipped(string name)
    {
        Context.Cancellation.ThrowIfCancellationRequested();
        string path = ShippedModels.Require(name);
        VisionModel model = VisionModel.Load(path);
        return new ShippedModel(
            name, model.Config.Family, model.Graph.ParameterCount, model.Config.ImageSize, model.Config.Classes,
            new FileInfo(path).Length);
    }

    /// <summary>With as many classes as the built-in images have.</summary>
    private static TrainableModel Architecture(string name)
    {
        ModelConfig config = SmallModels.Get(name, classes: 10);
        return new TrainableModel(name, config.Family, config.BuildGraph().ParameterCount, config.ImageSize);
    }
}
