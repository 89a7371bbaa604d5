using Bitis.Kernels.Memory;

namespace Bitis.Kernels.Scan;

/// <summary>The constants of a quantized scan as <see cref="IntegerScanGradient"/> takes them, in float32.</summary>
internal sealed unsafe class ScanGradientTables : IDisposable
{
    private readonly NativeBuffer<float> _decays, _rateCodes, _rates, _offsets, _scales, _skip, _levels;
    private readonly int _levelCount;

    /// <summary>Prepares a scan.</summary>
    /// <param name="packed">The scan; it must outlive the tables.</param>
    /// <param name="scan">Its constants.</param>
    /// <param name="aLog">ln |A|, <c>[channels, states]</c>.</param>
    /// <param name="d">D, <c>[channels]</c>.</param>
    public ScanGradientTables(PackedScan packed, IntegerScanTables scan, FloatTensor aLog, FloatTensor d)
    {
        (Packed, Tokens, Groups) = (packed, scan.Groups.Length, scan.Rescales.Length);
        int states = scan.States, channels = scan.Channels;
        _decays = NativeBuffer<float>.Of([.. scan.Decays.Select(decay => decay / 32768f)]);
        _rateCodes = new NativeBuffer<float>((long)states * channels);
        _rates = new NativeBuffer<float>((long)states * channels);
        for (int i = 0; i < states * channels; i++)
        {
            int source = (i % channels * states) + (i / channels);
            _rateCodes.Span[i] = scan.RateCodes[source];
            _rates.Span[i] = -MathF.Exp(aLog.Span[source]);
        }
        _offsets = new NativeBuffer<float>((long)Tokens * states);
        for (int i = 0; i < _offsets.Length; i++)
        {
            _offsets.Span[i] =
                (float)scan.Offsets[(i / states * 2 * packed.Pairs) + (i % states)] / (1 << scan.HiddenShift);
        }
        _scales = NativeBuffer<float>.Of(scan.HiddenScales);
        _skip = NativeBuffer<float>.Of(d.Span);
        _levelCount = scan.DeltaValues.Length;
        _levels = NativeBuffer<float>.Of(
        [
            .. scan.DeltaValues,
            .. scan.DeltaValues.Select(delta => 1 - MathF.Exp(-delta)), // softplus' = 1 − e^−softplus
            .. scan.DeltaCodes.Select(code => (float)code),
        ]);
    }

    /// <summary>The scan.</summary>
    public PackedScan Packed { get; }

    /// <summary>L.</summary>
    public int Tokens { get; }

    /// <summary>The groups of tokens whose hidden states have scales of their own.</summary>
    public int Groups { get; }

    /// <summary>Ā by code, <see cref="IntegerScanTables.Codes"/> of them.</summary>
    public float* Decays => _decays.Pointer;

    /// <summary>The codes of A, <c>[states, channels]</c>.</summary>
    public float* RateCodes => _rateCodes.Pointer;

    /// <summary>A, <c>[states, channels]</c>.</summary>
    public float* Rates => _rates.Pointer;

    /// <summary>
    /// What is added to a hidden state before it is rounded down to a level, in levels, <c>[tokens, states]</c>.
    /// </summary>
    public float* Offsets => _offsets.Pointer;

    /// <summary>The scales of h, <c>[groups, channels]</c>.</summary>
    public float* Scales => _scales.Pointer;

    /// <summary>D, <c>[channels]</c>.</summary>
    public float* Skip => _skip.Pointer;

    /// <summary>Δ by its level.</summary>
    public float* Deltas => _levels.Pointer;

    /// <summary>The softplus's derivative by Δ's level.</summary>
    public float* Slopes => _levels.Pointer + _levelCount;

    /// <summary>The summand of each level of Δ in the code of Ā.</summary>
    public float* DeltaCodes => _levels.Pointer + (2 * _levelCount);

    /// <inheritdoc />
    public void Dispose()
    {
        NativeBuffer<float>[] buffers = [_decays, _rateCodes, _rates, _offsets, _scales, _skip, _levels];
        foreach (NativeBuffer<float> buffer in buffers)
            buffer.Dispose();
    }
}
