using Bitis.Gpu.Kernels.Products;

namespace Bitis.Gpu.Kernels.Norms;

/// <summary>What the text of a norm depends on.</summary>
/// <param name="Columns">The length of a row.</param>
/// <param name="Epsilon">Added to the mean square before the root.</param>
/// <param name="IsCentered">Whether the mean is subtracted and a bias added: a layer norm; else an RMS norm.</param>
/// <param name="UpdatesStream">Whether the input is added to the residual stream, which is then normalized.</param>
/// <param name="WritesLevels">Whether levels are written; else floats.</param>
/// <param name="MaxLevel">The largest level.</param>
internal sealed record NormShape(
    int Columns, float Epsilon, bool IsCentered, bool UpdatesStream, bool WritesLevels, int MaxLevel = 255)
{
    /// <summary>Whether the input is float16; else float32.</summary>
    public bool ReadsHalves { get; init; }

    /// <summary>Whether floats are written as float16.</summary>
    public bool WritesHalves { get; init; }

    /// <summary>The distance of rows of the input in elements.</summary>
    public int InputStride { get; init; } = Columns;

    /// <summary>The distance of rows of the output in elements.</summary>
    public int OutputStride => WritesLevels ? LinearShape.RowBytes(Columns)
        : WritesHalves ? LinearShape.RowHalves(Columns)
        : Columns;
}
