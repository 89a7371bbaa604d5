using Bitis.Gpu.Kernels.Products;

namespace Bitis.Gpu.Kernels.Scans;

/// <summary>What the text of a block's scans depends on: all directions, their sum and gate.</summary>
/// <param name="Tokens">L, the steps of a direction.</param>
/// <param name="Channels">E.</param>
/// <param name="States">N.</param>
/// <param name="Rank">R, the length of Δ before its projection.</param>
internal sealed record ScanShape(int Tokens, int Channels, int States, int Rank)
{
    /// <summary>Directions in orders of their own; null for two opposite ones, whose sum is gated.</summary>
    public ScanArrangement? Arrangement { get; init; }

    /// <summary>Whether outputs are multiplied by SiLU(z).</summary>
    public bool HasGate { get; init; } = true;

    /// <summary>What the sum of two directions is multiplied by: 1, or 1/2 for their mean.</summary>
    public float OutputScale { get; init; } = 1;

    /// <summary>What levels of the output are written; null for floats.</summary>
    public LevelShape? OutputLevels { get; init; }

    /// <summary>Of a quantized projection to Δ: what its input becomes; null for float32.</summary>
    public LevelShape? DeltaLevels { get; init; }

    /// <summary>Of a scan in integers: its levels; null for float32.</summary>
    public StateLevelShape? Levels { get; init; }

    /// <summary>Whether states are float16, two in a register; else float32. Integers have their own.</summary>
    public bool HasHalfStates { get; init; }

    /// <summary>Of a scan in integers: whether u is its levels, from 0 on; else floats.</summary>
    public bool ReadsLevels { get; init; }

    /// <summary>Whether u, z and an output of floats are float16; else float32.</summary>
    public bool AreHalves { get; init; }

    /// <summary>The directions.</summary>
    public int Directions => Arrangement?.Directions ?? 2;

    /// <summary>The directions that a block of threads has.</summary>
    public int DirectionsOfBlock => Math.Min(2, Directions);

    /// <summary>Whether u is float32 although z and the output are float16, for exact levels of it.</summary>
    public bool HasFloatInput { get; init; }

    /// <summary>Whether softplus and gate are the processor's approximations.</summary>
    /// <remarks>States in float32 have its powers anyway. Only those in levels can have the CPU's bits.</remarks>
    public bool HasFastFunctions => AreHalves || Levels is null;

    /// <summary>Whether u is float16.</summary>
    public bool HasHalfInput => AreHalves && !HasFloatInput && !ReadsLevels;

    /// <summary>The bytes of a value of u.</summary>
    public int InputBytes => ReadsLevels ? sizeof(byte) : HasHalfInput ? sizeof(ushort) : sizeof(float);

    /// <summary>The bytes of a value of z and an output of floats.</summary>
    public int ElementBytes => AreHalves ? sizeof(ushort) : sizeof(float);

    /// <summary>The distance of rows of u in elements.</summary>
    public int InputStride => ReadsLevels ? LinearShape.RowBytes(Channels)
        : HasHalfInput ? LinearShape.RowHalves(Channels)
        : Channels;

    /// <summary>The bytes of a token's or a channel's levels in a quantized projection.</summary>
    public int DeltaBytes => (Rank + 3) / 4 * 4;

    /// <summary>The values of a token that all channels read: Δ before its projection, B and C.</summary>
    public int Parameters => Rank + (2 * States);

    /// <summary>The length of a token's values, a whole number of chunks.</summary>
    public int ParameterStride => LinearShape.RowBytes(Parameters * sizeof(float)) / sizeof(float);

    /// <summary>The distance of rows of these values: more, if those of several directions lie side by side.</summary>
    public int ParameterRowStride { get => field > 0 ? field : ParameterStride; init; }

    /// <summary>The distance of rows of z in elements.</summary>
    public int GateStride { get; init; } = Channels;

    /// <summary>The distance of rows of the output in elements.</summary>
    public int OutputStride => OutputLevels is not null ? LinearShape.RowBytes(Channels)
        : AreHalves ? LinearShape.RowHalves(Channels)
        : Channels;
}
