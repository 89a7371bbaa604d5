using Bitis.Kernels.Memory;
using Bitis.Kernels.Scan.StatesInLanes;

namespace Bitis.Kernels.Scan;

/// <summary>The constants of a quantized scan as the kernels take them.</summary>
/// <remarks>
/// Codes of A lie twice: <c>[channels, states]</c>, and for vectors in the order of 64 lanes, four states of 16
/// channels:
/// <code>
///   [channels/16][states/4]   e0 n0 | e0 n1 | e1 n0 | … e3 n1 | e0 n2 | e0 n3 | … e3 n3
///                             four channels fill 16 bytes
/// </code>
/// so that unpacking the lower and the upper halves of each 16 bytes gives a register of states n0, n1 and one of n2,
/// n3.
/// </remarks>
internal sealed unsafe class PackedScan : IDisposable
{
    /// <summary>Channels in a register.</summary>
    public const int BlockChannels = 16;

    /// <summary>States whose codes lie in a register.</summary>
    public const int BlockStates = 4;

    private readonly NativeBuffer<sbyte> _rateCodes, _rateLanes;
    private readonly NativeBuffer<byte> _decayTables, _deltaTables;
    private readonly NativeBuffer<float> _inputFactors, _outputFactors, _rescales, _skip, _uLevels;
    private readonly NativeBuffer<float> _bInverse, _bScale, _cInverse, _cScale;
    private readonly NativeBuffer<int> _groups, _groupEnds;
    private readonly NativeBuffer<short> _offsets;

    /// <summary>Packs a scan.</summary>
    /// <param name="tables">Its constants.</param>
    public PackedScan(IntegerScanTables tables)
    {
        (Channels, States, Delta) = (tables.Channels, tables.States, tables.Delta);
        (HiddenBits, BBits, BMaxLevel, CMaxLevel) =
            (tables.HiddenBits, tables.BBits, tables.BMaxLevel, tables.CMaxLevel);
        _rateCodes = NativeBuffer<sbyte>.Of(tables.RateCodes);
        HasNegativeCodes = tables.DeltaCodes.Min() + tables.RateCodes.Min() < 0;
        _rateLanes = PackRates(tables.RateCodes);
        Slices = new DecaySlices(tables);
        _decayTables = ByteTables(IntegerScanTables.Codes, tables.Decays);
        _deltaTables = ByteTables(256, tables.DeltaMultiples, [.. tables.DeltaCodes.Select(code => (short)code)]);
        _inputFactors = NativeBuffer<float>.Of(tables.InputFactors);
        _outputFactors = NativeBuffer<float>.Of(tables.OutputFactors);
        _rescales = NativeBuffer<float>.Of(tables.Rescales);
        _groups = NativeBuffer<int>.Of(tables.Groups);
        _groupEnds = NativeBuffer<int>.Of(EndsOfRuns(tables.Groups));
        _offsets = NativeBuffer<short>.Of(tables.Offsets);
        HasOneOffset = tables.Offsets.Distinct().Count() == 1;
        _skip = NativeBuffer<float>.Of(tables.Skips);
        _uLevels = NativeBuffer<float>.Of([.. tables.UInverses, .. tables.ULows, .. tables.UHighs]);
        _bInverse = NativeBuffer<float>.Of(tables.BInverses);
        _bScale = NativeBuffer<float>.Of(tables.BScales);
        _cInverse = NativeBuffer<float>.Of(tables.CInverses);
        _cScale = NativeBuffer<float>.Of(tables.CScales);
    }

    /// <summary>E.</summary>
    public int Channels { get; }

    /// <summary>N.</summary>
    public int States { get; }

    /// <inheritdoc cref="IntegerScanTables.Delta"/>
    public DeltaLevels Delta { get; }

    /// <inheritdoc cref="IntegerScanTables.HiddenBits"/>
    public int HiddenBits { get; }

    /// <inheritdoc cref="IntegerScanTables.HiddenShift"/>
    public int HiddenShift => 16 - HiddenBits;

    /// <inheritdoc cref="IntegerScanTables.BBits"/>
    public int BBits { get; }

    /// <inheritdoc cref="IntegerScanTables.BMaxLevel"/>
    public int BMaxLevel { get; }

    /// <inheritdoc cref="IntegerScanTables.CMaxLevel"/>
    public int CMaxLevel { get; }

    /// <summary>Pairs of states, of which an even number is stored.</summary>
    public int Pairs => (States + 1) / 2;

    /// <summary>Whether codes of Ā may be below 0 before they are limited.</summary>
    public bool HasNegativeCodes { get; }

    /// <summary>Ā for states in lanes.</summary>
    public DecaySlices Slices { get; }

    /// <summary>The codes of A, <c>[channels, states]</c>.</summary>
    public sbyte* RateCodes => _rateCodes.Pointer;

    /// <summary>The codes of A in the order of lanes; only whole blocks of channels.</summary>
    public sbyte* RateLanes => _rateLanes.Pointer;

    /// <summary>Ā·2¹⁵ by code: 128 lower bytes, then 128 upper ones.</summary>
    public byte* DecayTables => _decayTables.Pointer;

    /// <summary>By the level of Δ: 256 lower bytes of its multiple, 256 upper ones, and 256 codes.</summary>
    public byte* DeltaTables => _deltaTables.Pointer;

    /// <summary>1/s_u, <c>[channels]</c>.</summary>
    public float* UInverse => _uLevels.Pointer;

    /// <summary>The lowest level of u, less the zero point, <c>[channels]</c>.</summary>
    public float* ULow => _uLevels.Pointer + Channels;

    /// <summary>The highest level of u, less the zero point, <c>[channels]</c>.</summary>
    public float* UHigh => _uLevels.Pointer + (2 * Channels);

    /// <summary>1/s_B, <c>[tokens]</c>.</summary>
    public float* BInverse => _bInverse.Pointer;

    /// <summary>s_B, <c>[tokens]</c>.</summary>
    public float* BScale => _bScale.Pointer;

    /// <summary>1/s_C, <c>[tokens]</c>.</summary>
    public float* CInverse => _cInverse.Pointer;

    /// <summary>s_C, <c>[tokens]</c>.</summary>
    public float* CScale => _cScale.Pointer;

    /// <summary>f, <c>[groups, channels]</c>.</summary>
    public float* InputFactors => _inputFactors.Pointer;

    /// <summary>unit, <c>[groups, channels]</c>.</summary>
    public float* OutputFactors => _outputFactors.Pointer;

    /// <summary>The factor of h at the start of a group.</summary>
    public float* Rescales => _rescales.Pointer;

    /// <summary>The group of each token, in the order of the scan.</summary>
    public int* Groups => _groups.Pointer;

    /// <summary>For each token, the first one after it with another group, or the number of tokens.</summary>
    public int* GroupEnds => _groupEnds.Pointer;

    /// <summary>
    /// What is added to h before its lower bits are cut off, <c>[tokens, states]</c>, an even number of states.
    /// </summary>
    public short* Offsets => _offsets.Pointer;

    /// <summary>Whether all <see cref="Offsets"/> are the same.</summary>
    public bool HasOneOffset { get; }

    /// <summary>D·s_u, <c>[channels]</c>.</summary>
    public float* Skip => _skip.Pointer;

    /// <inheritdoc />
    public void Dispose()
    {
        IDisposable[] buffers =
        [
            _rateCodes, _rateLanes, _decayTables, _deltaTables, _inputFactors, _outputFactors, _rescales, _skip,
            _uLevels, _bInverse, _bScale, _cInverse, _cScale, _groups, _groupEnds, _offsets,
            Slices,
        ];
        foreach (IDisposable buffer in buffers)
            buffer.Dispose();
    }

    private static int[] EndsOfRuns(int[] groups)
    {
        var ends = new int[groups.Length];
        for (int t = groups.Length - 1; t >= 0; t--)
            ends[t] = t + 1 < groups.Length && groups[t + 1] == groups[t] ? ends[t + 1] : t + 1;
        return ends;
    }

    private NativeBuffer<sbyte> PackRates(sbyte[] codes)
    {
        int blocks = Channels / BlockChannels, stateBlocks = (States + BlockStates - 1) / BlockStates;
        int lanes = BlockChannels * BlockStates;
        var packed = new NativeBuffer<sbyte>(Math.Max(1, (long)blocks * stateBlocks * lanes), zeroed: true);
        for (int e = 0; e < blocks * BlockChannels; e++)
        {
            for (int n = 0; n < States; n++)
            {
                int block = (e / BlockChannels * stateBlocks) + (n / BlockStates), channel = e % BlockChannels;
                int state = n % BlockStates;
                packed.Span[(block * lanes) + (channel / 4 * 16) + (state / 2 * 8) + (channel % 4 * 2) + (state % 2)] =
                    codes[(e * States) + n];
            }
        }
        return packed;
    }

    /// <summary>
    /// Tables of a length: the lower and the upper bytes of numbers, and what else there is byte by byte.
    /// </summary>
    private static NativeBuffer<byte> ByteTables(
        int length, IReadOnlyList<short> numbers, IReadOnlyList<short>? bytes = null)
    {
        var tables = new NativeBuffer<byte>((long)length * (bytes is null ? 2 : 3), zeroed: true);
        for (int i = 0; i < numbers.Count; i++)
        {
            tables.Span[i] = (byte)numbers[i];
            tables.Span[length + i] = (byte)(numbers[i] >> 8);
            if (bytes is not null)
                tables.Span[(2 * length) + i] = (byte)bytes[i];
        }
        return tables;
    }
}
