using Bitis.Gpu.Kernels.Products;

namespace Bitis.Gpu.Kernels.Convolutions;

/// <summary>What the text of a depthwise convolution over a grid of tokens depends on.</summary>
/// <param name="Height">Rows of the grid.</param>
/// <param name="Width">Columns of the grid.</param>
/// <param name="Channels">E.</param>
/// <param name="Side">The side of the kernel, an odd number.</param>
internal sealed record DepthwiseShape(int Height, int Width, int Channels, int Side)
{
    /// <summary>Whether there is a bias.</summary>
    public bool HasBias { get; init; }

    /// <summary>Whether the SiLU of sums is written; else the sums.</summary>
    public bool HasSilu { get; init; }

    /// <summary>The distance of rows of the input in elements.</summary>
    public int InputStride { get; init; } = Channels;

    /// <summary>Whether the input is float16; else float32.</summary>
    public bool ReadsHalves { get; init; }

    /// <summary>Whether the output is float16; else float32.</summary>
    public bool WritesHalves { get; init; }

    /// <summary>Whether weights are levels, and values of the input become levels first.</summary>
    public bool QuantizesInput { get; init; }

    /// <summary>Whether the output is levels, from 0 on, that scans in integers read; else floats.</summary>
    public bool WritesScanLevels { get; init; }

    /// <summary>The levels of the output that are written, too.</summary>
    public IReadOnlyList<LevelShape> Levels { get; init; } = [];

    /// <summary>The neighbouring channels of a thread: 1, or 2 that lie where they can be read at once.</summary>
    public int AtOnce { get; init; } = 1;

    /// <summary>The distance of rows of the output in elements.</summary>
    public int OutputStride => WritesScanLevels ? LevelStride
        : WritesHalves ? LinearShape.RowHalves(Channels)
        : Channels;

    /// <summary>The bytes of a value of the output.</summary>
    public int OutputBytes => WritesScanLevels ? sizeof(byte) : WritesHalves ? sizeof(ushort) : sizeof(float);

    /// <summary>The distance of rows of levels.</summary>
    public int LevelStride => LinearShape.RowBytes(Channels);
}
