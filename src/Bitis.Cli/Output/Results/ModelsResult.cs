using Bitis.Cli.Output.Parts.Catalogue;

namespace Bitis.Cli.Output.Results;

/// <summary>The result of <c>bitis models</c>.</summary>
internal sealed record ModelsResult(
    IReadOnlyList<ShippedModel> Shipped, IReadOnlyList<PublishedModel> Published,
    IReadOnlyList<TrainableModel> Trainable) : ICommandResult
{
    /// <inheritdoc />
    public void Describe(Report report)
    {
        report.Line("Models that come with Bitis; every command takes their names:");
        report.Table(
            ["name", "family", ">parameters", ">image size", ">classes", ">file"],
            Shipped.Select(model => (string[])
                [
                    model.Name, model.Family, Format.Count(model.Parameters), $"{model.ImageSize}", $"{model.Classes}",
                    Format.Bytes(model.FileBytes),
                ]));
        report.Line();
        report.Line("Published ImageNet classifiers; commands take hf: references and downloaded files:");
        report.Table(
            ["name", "family", ">parameters", ">top-1", "checkpoint"],
            Published.Select(model => (string[])
                [
                    model.Name, model.Family, Format.Count(model.Parameters), $"{model.PublishedTop1:0.0} %",
                    model.Source ?? "not published",
                ]));
        report.Line();
        report.Line("Architectures for 'bitis train --model':");
        report.Table(
            ["name", "family", ">parameters", ">image size"],
            Trainable.Select(model => (string[])
                [model.Name, model.Family, Format.Count(model.Parameters), $"{model.ImageSize}"]));
    }
}
