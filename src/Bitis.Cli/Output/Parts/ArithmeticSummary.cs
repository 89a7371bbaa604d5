using Bitis.Onnx.Operators;

namespace Bitis.Cli.Output.Parts;

/// <summary>How another runtime computes the quantized layers of an exported model.</summary>
/// <param name="Integer">Layers in integers.</param>
/// <param name="FloatOnLevels">Layers in float32, on the numbers that levels are.</param>
/// <param name="FloatWithStoredLevels">Layers in float32 whose weights are stored as levels.</param>
internal sealed record ArithmeticSummary(int Integer, int FloatOnLevels, int FloatWithStoredLevels)
{
    public static ArithmeticSummary Of(IReadOnlyList<LayerArithmetic> layers)
    {
        return new(
            Count(LayerArithmetic.Integer), Count(LayerArithmetic.FloatOnLevels),
            Count(LayerArithmetic.FloatWithStoredLevels));

        int Count(LayerArithmetic arithmetic) => layers.Count(layer => layer == arithmetic);
    }

    /// <summary>The layers in one line.</summary>
    public string Describe() => string.Join(", ", new (int Count, string What)[]
    {
        (Integer, "in integers"),
        (FloatOnLevels, "in float32 on quantized values"),
        (FloatWithStoredLevels, "in float32 with stored levels"),
    }.Where(part => part.Count > 0).Select(part => $"{part.Count} {part.What}"));
}
