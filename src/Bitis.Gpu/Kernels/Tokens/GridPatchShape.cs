namespace Bitis.Gpu.Kernels.Tokens;

/// <summary>What the text that gathers squares of a grid of tokens depends on.</summary>
/// <param name="Channels">The length of a token.</param>
/// <param name="Height">Rows of the grid.</param>
/// <param name="Width">Columns of the grid.</param>
/// <param name="Side">The side of a square.</param>
/// <param name="Stride">The distance of squares.</param>
/// <param name="Padding">The zeros around the grid.</param>
/// <param name="RowStride">The distance of rows of the output in values.</param>
internal sealed record GridPatchShape(
    int Channels, int Height, int Width, int Side, int Stride, int Padding, int RowStride)
{
    /// <summary>The distance of tokens in elements.</summary>
    public int InputStride { get; init; } = Channels;

    /// <summary>Whether tokens are float16; else float32.</summary>
    public bool ReadsHalves { get; init; }

    /// <summary>The largest level, if levels of the tokens are gathered; null for floats.</summary>
    public int? MaxLevel { get; init; }

    /// <summary>Whether floats are written as float16; else as float32.</summary>
    public bool WritesHalves { get; init; }

    /// <summary>Squares below one another.</summary>
    public int Down => ((Height + (2 * Padding) - Side) / Stride) + 1;

    /// <summary>Squares beside one another.</summary>
    public int Across => ((Width + (2 * Padding) - Side) / Stride) + 1;

    /// <summary>The values of a square, token after token.</summary>
    public int Values => Channels * Side * Side;
}
