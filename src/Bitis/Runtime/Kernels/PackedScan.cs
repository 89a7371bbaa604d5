using Bitis.Quantization;
using Bitis.Tensors;

namespace Bitis.Runtime.Kernels;

/// <summary>
/// The constants of a quantized scan as the kernels take them. Codes of A lie twice: <c>[channels, states]</c> as bytes, and for
/// vectors <c>[channels/16][states/2][16 channels][2 states]</c> as 16-bit numbers, the order of 32 lanes.
/// </summary>
internal sealed unsafe class PackedScan : IDisposable
{
    /// <summary>Channels in a register.</summary>
    public const int BlockChannels = 16;

    private readonly NativeBuffer<sbyte> _rateCodes;
    private readonly NativeBuffer<short> _rateLanes, _decays, _deltaCodes;
    private readonly NativeBuffer<float> _inputFactors, _outputFactors, _rescales, _skip;
    private readonly NativeBuffer<int> _groups;

    /// <summary>Packs a scan.</summary>
    /// <param name="scan">The grids.</param>
    /// <param name="d">D, <c>[channels]</c>.</param>
    /// <param name="tokens">L.</param>
    public PackedScan(QuantizedScan scan, Tensor d, int tokens)
    {
        Channels = d.Length;
        States = scan.RateCodes.Length / Channels;
        int groups = scan.HiddenState.GroupScales.Count, blocks = Channels / BlockChannels;
        _rateCodes = NativeBuffer<sbyte>.Of(scan.RateCodes);
        _deltaCodes = new NativeBuffer<short>(256, zeroed: true);
        for (int level = 0; level < scan.DeltaCodes.Count; level++)
            _deltaCodes.Span[level] = scan.DeltaCodes[level];
        _rateLanes = new NativeBuffer<short>(Math.Max(1, blocks * Pairs * 2 * BlockChannels), zeroed: true);
        for (int e = 0; e < blocks * BlockChannels; e++)
        {
            for (int n = 0; n < States; n++)
            {
                int row = (e / BlockChannels * Pairs) + (n / 2);
                _rateLanes.Span[(row * 2 * BlockChannels) + (e % BlockChannels * 2) + (n % 2)] = scan.RateCodes[(e * States) + n];
            }
        }
        _decays = NativeBuffer<short>.Of([.. scan.DecayTable]);
        _inputFactors = new NativeBuffer<float>(groups * Channels);
        _outputFactors = new NativeBuffer<float>(groups * Channels);
        _rescales = new NativeBuffer<float>(groups);
        for (int g = 0; g < groups; g++)
        {
            _rescales.Span[g] = g == 0 ? 1 : scan.Rescale(g);
            for (int e = 0; e < Channels; e++)
            {
                _inputFactors.Span[(g * Channels) + e] = scan.InputFactor(g, e);
                _outputFactors.Span[(g * Channels) + e] = scan.OutputFactor(g, e);
            }
        }
        _groups = new NativeBuffer<int>(tokens);
        for (int t = 0; t < tokens; t++)
            _groups.Span[t] = scan.HiddenState.GroupOf(t);
        _skip = NativeBuffer<float>.Of(d.Span);
        (UScale, UInverse, UZero, UMax) = (scan.U.Scales[0], scan.U.InverseScales[0], scan.U.ZeroPoints[0], scan.U.MaxLevel);
        (DeltaInverse, DeltaMax) = (scan.Delta.InverseScales[0], scan.Delta.MaxLevel);
        (BInverse, BMax, BShift) = (scan.B.InverseScales[0], scan.B.MaxLevel, 16 - scan.B.Bits);
        (CInverse, CMax) = (scan.C.InverseScales[0], scan.C.MaxLevel);
        HiddenShift = scan.HiddenShift;
    }

    /// <summary>E.</summary>
    public int Channels { get; }

    /// <summary>N.</summary>
    public int States { get; }

    /// <summary>Pairs of states.</summary>
    public int Pairs => (States + 1) / 2;

    /// <summary>The grid of u.</summary>
    public float UScale { get; }

    /// <inheritdoc cref="UScale"/>
    public float UInverse { get; }

    /// <inheritdoc cref="UScale"/>
    public int UZero { get; }

    /// <inheritdoc cref="UScale"/>
    public int UMax { get; }

    /// <summary>The grid of Δ.</summary>
    public float DeltaInverse { get; }

    /// <inheritdoc cref="DeltaInverse"/>
    public int DeltaMax { get; }

    /// <summary>The grid of B.</summary>
    public float BInverse { get; }

    /// <inheritdoc cref="BInverse"/>
    public int BMax { get; }

    /// <summary>How far a level of B is shifted to fill 16 bits.</summary>
    public int BShift { get; }

    /// <summary>The grid of C.</summary>
    public float CInverse { get; }

    /// <inheritdoc cref="CInverse"/>
    public int CMax { get; }

    /// <summary>The bits of h below its level.</summary>
    public int HiddenShift { get; }

    /// <summary>The codes of A, <c>[channels, states]</c>.</summary>
    public sbyte* RateCodes => _rateCodes.Pointer;

    /// <summary>The codes of A in the order of lanes; only whole blocks of channels.</summary>
    public short* RateLanes => _rateLanes.Pointer;

    /// <summary>The code that each level of Δ adds, 256 of them.</summary>
    public short* DeltaCodes => _deltaCodes.Pointer;

    /// <summary>Ā·2¹⁵ by code.</summary>
    public short* Decays => _decays.Pointer;

    /// <summary>f, <c>[groups, channels]</c>.</summary>
    public float* InputFactors => _inputFactors.Pointer;

    /// <summary>unit·s_C, <c>[groups, channels]</c>.</summary>
    public float* OutputFactors => _outputFactors.Pointer;

    /// <summary>What h is multiplied by where a group begins.</summary>
    public float* Rescales => _rescales.Pointer;

    /// <summary>The group of each token, in the order of the scan.</summary>
    public int* Groups => _groups.Pointer;

    /// <summary>D.</summary>
    public float* Skip => _skip.Pointer;

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (IDisposable buffer in (IDisposable[])[_rateCodes, _deltaCodes, _rateLanes, _decays, _inputFactors, _outputFactors, _rescales, _skip, _groups])
            buffer.Dispose();
    }
}
