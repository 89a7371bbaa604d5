
namespace Bitis.Cli.Output.Parts;

/// <summary>Layers of a quantized model that have the same bits.</summary>
/// <param name="Bits">Bits of weights and input.</param>
/// <param name="Layers">How many layers have them.</param>
/// <param name="IsInteger">Whether they compute with integers; else one operand is float32.</param>
internal sealed record LayerSummary(BitWidths Bits, int Layers, bool IsInteger)
{
    /// <summary>The layers of a model by their bits, the most frequent first.</summary>
    public static IReadOnlyList<LayerSummary> Of(QuantizedModel model) =>
    [
        .. model.Layers.Values
            .GroupBy(
                linear =>
                    (
                        Bits: new BitWidths(
                            linear.Weight?.Bits ?? BitWidths.Float, linear.Input?.Bits ?? BitWidths.Float),
                        linear.IsInteger))
            .Select(group => new LayerSummary(group.Key.Bits, group.Count(), group.Key.IsInteger))
            .OrderByDescending(summary => summary.Layers),
    ];

    /// <summary>All of them in a line: <c>96 × w8a8, 2 × w4a8</c>.</summary>
    public static string Describe(IEnumerable<LayerSummary> layers) =>
        string.Join(
            ", ",
            layers.Select(
                layer => $"{layer.Layers} × {layer.Bits}{(layer.IsInteger ? "" : " (computed in float32)")}"));
}
