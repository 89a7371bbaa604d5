namespace Bitis.Onnx.Operators;

/// <summary>A value of the model in the ONNX graph.</summary>
/// <remarks>
/// Tokens on a grid exist as <c>[batch, tokens, channels]</c>, as Bitis has them, or as a map
/// <c>[batch, channels, height, width]</c>, as ONNX's convolutions want them.
/// </remarks>
/// <param name="Name">Its name in the ONNX graph.</param>
/// <param name="Grid">Height and width of tokens that exist as a map; null for everything else.</param>
internal sealed record Value(string Name, (int Height, int Width)? Grid = null);
