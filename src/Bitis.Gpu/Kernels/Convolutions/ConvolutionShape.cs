using Bitis.Gpu.Kernels.Products;

namespace Bitis.Gpu.Kernels.Convolutions;

/// <summary>What the text of a block's convolutions along the tokens depends on, of both directions.</summary>
/// <param name="Tokens">L.</param>
/// <param name="Channels">E.</param>
/// <param name="Taps">K.</param>
internal sealed record ConvolutionShape(int Tokens, int Channels, int Taps)
{
    /// <summary>The distance of rows of the input in elements.</summary>
    public int InputStride { get; init; } = Channels;

    /// <summary>Whether input and outputs are float16; else float32.</summary>
    public bool AreHalves { get; init; }

    /// <summary>Whether weights are levels, and values of the input become levels first.</summary>
    public bool QuantizesInput { get; init; }

    /// <summary>Whether the input is levels, from 0 on, of a quantized layer.</summary>
    public bool ReadsLevels { get; init; }

    /// <summary>Whether the outputs are levels, from 0 on, that a scan in integers reads; else floats.</summary>
    public bool WritesScanLevels { get; init; }

    /// <summary>What levels of the outputs are written, too; null for none.</summary>
    public LevelShape? Levels { get; init; }

    /// <summary>The distance of rows of the outputs in elements.</summary>
    public int OutputStride => WritesScanLevels ? LevelStride
        : AreHalves ? LinearShape.RowHalves(Channels)
        : Channels;

    /// <summary>The bytes of a value of the input.</summary>
    public int InputBytes => ReadsLevels ? sizeof(byte) : AreHalves ? sizeof(ushort) : sizeof(float);

    /// <summary>The bytes of a value of the outputs.</summary>
    public int OutputBytes => WritesScanLevels ? sizeof(byte) : AreHalves ? sizeof(ushort) : sizeof(float);

    /// <summary>The distance of rows of levels.</summary>
    public int LevelStride => LinearShape.RowBytes(Channels);
}
