using Bitis.Tensors;

namespace Bitis.Execution.Sessions.Maps;

/// <summary>The logits at each place of a map.</summary>
/// <param name="Values"><c>[height·width, classes]</c></param>
/// <param name="Height">The map's rows.</param>
/// <param name="Width">The map's columns.</param>
internal readonly record struct LogitsMap(FloatTensor Values, int Height, int Width)
{
    /// <summary>The number of classes.</summary>
    public int Classes => Values.Shape[1];
}
