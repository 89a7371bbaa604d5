namespace Bitis.Kernels.Scan;

/// <summary>The constants of a scan in integers as plain numbers.</summary>
/// <remarks><see cref="PackedScan"/> lays them out for the kernels and does not keep this object.</remarks>
internal sealed class IntegerScanTables
{
    /// <summary>How many values Ā has.</summary>
    public const int Codes = 128;

    /// <summary>E.</summary>
    public required int Channels { get; init; }

    /// <summary>N.</summary>
    public required int States { get; init; }

    /// <summary>The codes of A, <c>[channels, states]</c>.</summary>
    public required sbyte[] RateCodes { get; init; }

    /// <summary>Ā·2¹⁵ by code, <see cref="Codes"/> of them.</summary>
    public required IReadOnlyList<short> Decays { get; init; }

    /// <summary>How the level of Δ is found.</summary>
    public required DeltaLevels Delta { get; init; }

    /// <summary>The multiple of Δ's unit by level.</summary>
    public required IReadOnlyList<short> DeltaMultiples { get; init; }

    /// <summary>Δ by level.</summary>
    public required float[] DeltaValues { get; init; }

    /// <summary>The summand of each level of Δ in the code of Ā.</summary>
    public required IReadOnlyList<sbyte> DeltaCodes { get; init; }

    /// <summary>1/s_u, <c>[channels]</c>.</summary>
    public required float[] UInverses { get; init; }

    /// <summary>The lowest level of u, less the zero point, <c>[channels]</c>.</summary>
    public required float[] ULows { get; init; }

    /// <summary>The highest level of u, less the zero point, <c>[channels]</c>.</summary>
    public required float[] UHighs { get; init; }

    /// <summary>D·s_u, <c>[channels]</c>.</summary>
    public required float[] Skips { get; init; }

    /// <summary>s_B, <c>[tokens]</c>, in the order of the scan.</summary>
    public required float[] BScales { get; init; }

    /// <summary>1/s_B, <c>[tokens]</c>.</summary>
    public required float[] BInverses { get; init; }

    /// <summary>s_C, <c>[tokens]</c>.</summary>
    public required float[] CScales { get; init; }

    /// <summary>1/s_C, <c>[tokens]</c>.</summary>
    public required float[] CInverses { get; init; }

    /// <summary>The bits of B's levels.</summary>
    public required int BBits { get; init; }

    /// <summary>B's largest level; the lowest is its opposite.</summary>
    public required int BMaxLevel { get; init; }

    /// <summary>C's largest level; the lowest is its opposite.</summary>
    public required int CMaxLevel { get; init; }

    /// <summary>b, the bits of h's levels.</summary>
    public required int HiddenBits { get; init; }

    /// <summary>The lower bits of a 16-bit h that are 0: 16 − b.</summary>
    public int HiddenShift => 16 - HiddenBits;

    /// <summary>The group of each token, in the order of the scan.</summary>
    public required int[] Groups { get; init; }

    /// <summary>The factor of h at the start of a group, <c>[groups]</c>.</summary>
    public required float[] Rescales { get; init; }

    /// <summary>The scales of h, <c>[groups, channels]</c>.</summary>
    public required float[] HiddenScales { get; init; }

    /// <summary>f, <c>[groups, channels]</c>.</summary>
    public required float[] InputFactors { get; init; }

    /// <summary>unit, <c>[groups, channels]</c>.</summary>
    public required float[] OutputFactors { get; init; }

    /// <summary>What is added to h before its lower bits are cut off, <c>[tokens, states]</c>.</summary>
    /// <remarks>The number of states is rounded up to an even one.</remarks>
    public required short[] Offsets { get; init; }
}
