namespace Bitis.Graphs.Operators;

/// <summary>
/// The product with weights of a linear or convolutional layer, for each token or place of its output.
/// </summary>
/// <param name="Inputs">The channels of the input.</param>
/// <param name="Outputs">The channels of the output.</param>
/// <param name="IsConvolution">Whether a kernel sees several tokens or places at once.</param>
/// <param name="IsOfMaps">Whether its input is a map, <c>[channels, height, width]</c>, and no tokens.</param>
internal sealed record LayerProduct(int Inputs, int Outputs, bool IsConvolution = false, bool IsOfMaps = false);
