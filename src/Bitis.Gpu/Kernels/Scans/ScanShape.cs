using Bitis.Gpu.Kernels.Products;

namespace Bitis.Gpu.Kernels.Scans;

/// <summary>What the text of a block's scans depends on: two directions, their sum and the gate.</summary>
/// <param name="Tokens">L.</param>
/// <param name="Channels">E.</param>
/// <param name="States">N.</param>
/// <param name="Rank">R, the length of Δ before its projection.</param>
/// <param name="OutputScale">What the sum of the directions is multiplied by: 1, or 1/2 for their mean.</param>
/// <param name="WritesLevels">Whether levels are written; else floats.</param>
/// <param name="MaxLevel">The largest level.</param>
internal sealed record ScanShape(
    int Tokens, int Channels, int States, int Rank, float OutputScale, bool WritesLevels, int MaxLevel = 255)
{
    /// <summary>Of a quantized projection to Δ: the largest level of its input; null for float32.</summary>
    public int? DeltaMaxLevel { get; init; }

    /// <summary>Of a scan in integers: its levels; null for float32.</summary>
    public StateLevelShape? Levels { get; init; }

    /// <summary>Whether u, z and an output of floats are float16; else float32.</summary>
    public bool AreHalves { get; init; }

    /// <summary>The bytes of a value of u and z.</summary>
    public int ElementBytes => AreHalves ? sizeof(ushort) : sizeof(float);

    /// <summary>The distance of rows of u in elements.</summary>
    public int InputStride => AreHalves ? LinearShape.RowHalves(Channels) : Channels;

    /// <summary>The bytes of a token's or a channel's levels in a quantized projection.</summary>
    public int DeltaBytes => (Rank + 3) / 4 * 4;

    /// <summary>The values of a token that all channels read: Δ before its projection, B and C.</summary>
    public int Parameters => Rank + (2 * States);

    /// <summary>The distance of rows of these values, a whole number of chunks.</summary>
    public int ParameterStride => LinearShape.RowBytes(Parameters * sizeof(float)) / sizeof(float);

    /// <summary>The distance of rows of z in elements.</summary>
    public int GateStride { get; init; } = Channels;

    /// <summary>The distance of rows of the output in elements.</summary>
    public int OutputStride => WritesLevels ? LinearShape.RowBytes(Channels) : InputStride;
}
