namespace Bitis.Onnx.Operators;

/// <summary>How a layer with weights is written, apart from the numbers that it multiplies.</summary>
/// <param name="Input">Its input, in the form that the product takes.</param>
/// <param name="DimensionsBehind">How many dimensions of input and output lie behind the channels.</param>
/// <param name="HasRows">Whether the product is that of two matrices, whose weights in integers are transposed.</param>
/// <param name="Multiply">Multiplies float32: input, weights and, if it has one, bias.</param>
/// <param name="MultiplyLevels">Multiplies integers: levels, weights and, if it has one, zero point.</param>
/// <param name="Output">The layer's value from the product.</param>
internal sealed record LayerForm(
    string Input, int DimensionsBehind, bool HasRows, Func<IReadOnlyList<string>, string> Multiply,
    Func<IReadOnlyList<string>, string> MultiplyLevels, Func<string, Value> Output);
