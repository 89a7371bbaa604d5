namespace Bitis.Gpu.Kernels.Tokens;

/// <summary>What the text that gathers patches depends on.</summary>
/// <param name="Channels">The channels of an image.</param>
/// <param name="Height">Its height.</param>
/// <param name="Width">Its width.</param>
/// <param name="Side">The side of a patch.</param>
/// <param name="Stride">The distance of patches.</param>
/// <param name="Padding">The zeros around the image.</param>
/// <param name="RowStride">The distance of rows of the output in values.</param>
internal sealed record PatchShape(
    int Channels, int Height, int Width, int Side, int Stride, int Padding, int RowStride)
{
    /// <summary>The largest level, if levels of the pixels are gathered; null for floats.</summary>
    public int? MaxLevel { get; init; }

    /// <summary>Whether floats are written as float16; else as float32.</summary>
    public bool WritesHalves { get; init; }

    /// <summary>Patches below one another.</summary>
    public int Down => ((Height + (2 * Padding) - Side) / Stride) + 1;

    /// <summary>Patches beside one another.</summary>
    public int Across => ((Width + (2 * Padding) - Side) / Stride) + 1;

    /// <summary>The values of a patch.</summary>
    public int Values => Channels * Side * Side;
}
