using Bitis.Gpu.Kernels.Products;

namespace Bitis.Gpu.Kernels.Convolutions;

/// <summary>What the text of convolutions along tokens in other orders depends on.</summary>
/// <param name="Directions">The directions, each with an order and weights of its own.</param>
/// <param name="Steps">The tokens of a direction; shorter ones are filled up with zeros.</param>
/// <param name="Channels">E.</param>
/// <param name="Taps">K.</param>
internal sealed record ArrangedConvolutionShape(int Directions, int Steps, int Channels, int Taps)
{
    /// <summary>The rows of an image in the input.</summary>
    public required int InputRows { get; init; }

    /// <summary>The distance of rows of the input in elements.</summary>
    public int InputStride { get; init; } = Channels;

    /// <summary>Whether the SiLU of sums is written; else the sums.</summary>
    public bool HasSilu { get; init; } = true;

    /// <summary>Whether the input is float16; else float32.</summary>
    public bool ReadsHalves { get; init; }

    /// <summary>Whether the outputs are float16; else float32.</summary>
    public bool WritesHalves { get; init; }

    /// <summary>Whether weights are levels, and values of the input become levels first.</summary>
    public bool QuantizesInput { get; init; }

    /// <summary>Whether the outputs are levels, from 0 on, that scans in integers read; else floats.</summary>
    public bool WritesScanLevels { get; init; }

    /// <summary>What levels of the outputs are written, too; null for none.</summary>
    public LevelShape? Levels { get; init; }

    /// <summary>The neighbouring channels of a thread: 1, or 2 that lie where they can be read at once.</summary>
    public int AtOnce { get; init; } = 1;

    /// <summary>The distance of rows of the outputs in elements.</summary>
    public int OutputStride => WritesScanLevels ? LevelStride
        : WritesHalves ? LinearShape.RowHalves(Channels)
        : Channels;

    /// <summary>The bytes of a value of the input.</summary>
    public int InputBytes => ReadsHalves ? sizeof(ushort) : sizeof(float);

    /// <summary>The bytes of a value of the outputs.</summary>
    public int OutputBytes => WritesScanLevels ? sizeof(byte) : WritesHalves ? sizeof(ushort) : sizeof(float);

    /// <summary>The distance of rows of levels.</summary>
    public int LevelStride => LinearShape.RowBytes(Channels);
}
