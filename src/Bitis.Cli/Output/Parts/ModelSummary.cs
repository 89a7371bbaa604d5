using Bitis.Graphs;
using Bitis.Models;
using Bitis.Models.Catalogue;
using Bitis.Models.Segmentation;

namespace Bitis.Cli.Output.Parts;

/// <summary>A summary of a model's architecture.</summary>
/// <param name="Family">The family: <c>Vim</c>.</param>
/// <param name="Variant">The published model with this architecture; null if there is none.</param>
/// <param name="PublishedTop1">Its ImageNet accuracy as published, in percent.</param>
/// <param name="Config">The architecture.</param>
/// <param name="Parameters">The number of parameters.</param>
/// <param name="Preprocessing">How images become its input.</param>
/// <param name="ClassNames">The classes' names, by index; null if unknown.</param>
internal sealed record ModelSummary(
    string Family,
    string? Variant,
    double? PublishedTop1,
    ModelConfig Config,
    long Parameters,
    Preprocessing Preprocessing,
    IReadOnlyList<string>? ClassNames)
{
    public static ModelSummary Of(
        ModelConfig config, Graph graph, Preprocessing preprocessing, IReadOnlyList<string>? classNames)
    {
        ModelVariant? variant = ModelCatalogue.Find(config);
        return new ModelSummary(
            config.Family, variant?.Name, variant?.PublishedTop1, config, graph.ParameterCount, preprocessing,
            classNames);
    }

    /// <summary>The lines of a report.</summary>
    public IEnumerable<(string Name, string? Value)> Fields() =>
    [
        ("family", Family),
        (
            "variant",
            Config is IDenseConfig ? null
            : Variant is null
                ? "none of the published ones"
                : $"{Variant}, published ImageNet top-1 {PublishedTop1:0.0} %"),
        ("architecture", Config.Describe()),
        ("parameters", $"{Parameters:N0} ({Format.Bytes(Parameters * sizeof(float))} in float32)"),
        (
            "preprocessing",
            Config is IDenseConfig
                ? $"shorter side of {Preprocessing.ResizeShorterSide} pixels, whole images"
                : InWords.Of(Preprocessing)),
        ("classes", ClassNames is null ? null : InWords.Of(ClassNames)),
    ];
}
