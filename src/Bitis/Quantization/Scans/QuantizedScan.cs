using Bitis.Kernels.Scan;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;

namespace Bitis.Quantization.Scans;

/// <summary>
/// A selective scan in integers: the quantizers of its operands, of the discrete parameters and of the hidden states.
/// </summary>
/// <remarks>
/// What it computes, for each channel e and state n (all of it is exact in integers but the two roundings to float32
/// that are named):
/// <code>
///   u  = s_u[e]·(q_u − z_u[e])    Δ = unit_Δ·d[q_Δ]    B = s_B[t]·q_B    C = s_C[t]·q_C    the operands' levels
///   i  = clamp(codeΔ[q_Δ] + codeA[e, n], 0, 127)                                           log₂(−log₂ Ā) in eighths
///   Ā  = decay[i] / 2¹⁵                                                                    a level of Ā
///   v  = clamp16(round((float((q_u − z_u)·d[q_Δ])·f[g, e])·s_B[t]))    f = s_u·unit_Δ·2^(b_B−1)/unit, float32
///   h  = level(clamp16(Ā ∗ h + v ∗ (q_B·2^(16−b_B))))                                      x ∗ y = (x·y + 2¹⁴) ≫ 15
///   y  = ((Σ_n h·q_C)·unit)·s_C[t] + (D·s_u)·(q_u − z_u)                                   float32
/// </code>
/// h is a 16-bit number whose upper b bits are the level and whose lower ones are 0:
/// <c>level(x) = clamp16(x + o) &amp; mask</c>; its unit is the scale of h divided by 2^(16−b). The offset o is
/// 2^(15−b) for rounding to nearest; dithered, it is <c>⌊frac(0.618…·t + 0.754…·n)·2^(16−b)⌋</c>, which takes all
/// values alike, so that a state that changes by less than a level at a time moves on average as it should instead of
/// standing still. Where a group of tokens begins, h becomes <c>level(clamp16(round(h·(s_before/s_after))))</c>, the
/// product in float32, to nearest.
/// </remarks>
internal sealed class QuantizedScan
{
    /// <summary>Codes of −log₂ Ā for an octave.</summary>
    public const int CodesPerOctave = 8;

    /// <summary>How many values of Ā there are.</summary>
    public const int Codes = IntegerScanTables.Codes;

    /// <summary>The code of −log₂ Ā = 1: code 0 is 2⁻¹².</summary>
    public const int CodeOfOne = 96;

    /// <summary>Puts a scan together.</summary>
    /// <param name="u">The quantizer of u: unsigned, per tensor or channel.</param>
    /// <param name="delta">The quantizer of Δ.</param>
    /// <param name="b">
    /// The quantizer of B: signed, per tensor or token (in the order in which the scan sees them).
    /// </param>
    /// <param name="c">The quantizer of C, as B's.</param>
    /// <param name="decay">The quantizer of Ā.</param>
    /// <param name="hiddenState">The quantizer of h.</param>
    /// <param name="rateCodes">The codes of A, <c>[channels, states]</c>: <see cref="RateCode"/>.</param>
    /// <exception cref="ArgumentException">A quantizer is of another kind.</exception>
    public QuantizedScan(
        UniformQuantizer u, DeltaQuantizer delta, UniformQuantizer b, UniformQuantizer c, DecayQuantizer decay,
        HiddenStateQuantizer hiddenState, sbyte[] rateCodes)
    {
        ArgumentNullException.ThrowIfNull(decay);
        if (u.IsSymmetric || !b.IsSymmetric || !c.IsSymmetric)
            throw new ArgumentException("u has unsigned levels, B and C have signed ones.", nameof(u));
        if (u.Granularity == Granularity.PerToken || b.Granularity == Granularity.PerChannel
            || c.Granularity == Granularity.PerChannel)
        {
            throw new ArgumentException(
                "Scales of u may differ between channels, those of B and C between tokens.", nameof(u));
        }

        decay.Validate();
        U = u;
        Delta = delta;
        B = b;
        C = c;
        Decay = decay;
        HiddenState = hiddenState;
        RateCodes = rateCodes;
        DecayTable = [.. Enumerable.Range(0, Codes).Select(DecayOf)];
        DeltaCodes = [.. Enumerable.Range(0, delta.MaxLevel + 1).Select(level => DeltaCode(delta.Dequantize(level)))];
    }

    /// <summary>The quantizer of u.</summary>
    public UniformQuantizer U { get; }

    /// <summary>The quantizer of Δ.</summary>
    public DeltaQuantizer Delta { get; }

    /// <summary>The quantizer of B.</summary>
    public UniformQuantizer B { get; }

    /// <summary>The quantizer of C.</summary>
    public UniformQuantizer C { get; }

    /// <summary>The quantizer of Ā.</summary>
    public DecayQuantizer Decay { get; }

    /// <summary>The quantizer of h.</summary>
    public HiddenStateQuantizer HiddenState { get; }

    /// <summary>The codes of A, <c>[channels, states]</c>.</summary>
    public sbyte[] RateCodes { get; }

    /// <summary>Ā·2¹⁵ by code.</summary>
    public IReadOnlyList<short> DecayTable { get; }

    /// <summary>The code that each level of Δ adds.</summary>
    public IReadOnlyList<sbyte> DeltaCodes { get; }

    /// <summary>The code of A = −exp(A_log): log₂(|A|·log₂ e) in eighths.</summary>
    public static sbyte RateCode(float aLog) => ToCode((aLog * Math.Log2(Math.E)) + Math.Log2(Math.Log2(Math.E)));

    /// <summary>The A_log that the codes of A stand for.</summary>
    /// <param name="shape"><c>[channels, states]</c></param>
    /// <exception cref="ArgumentException">There are not as many codes.</exception>
    public FloatTensor DequantizeRates(Shape shape)
    {
        double codeOfRate = CodesPerOctave * Math.Log2(Math.Log2(Math.E)); // of A = −1
        return FloatTensor.From(
            shape,
            Array.ConvertAll(RateCodes, code => (float)((code - codeOfRate) / CodesPerOctave / Math.Log2(Math.E))));
    }

    /// <summary>The bits of h below its level.</summary>
    internal int HiddenShift => 16 - HiddenState.Bits;

    /// <summary>f[g, e]: what (q_u − z_u)·d[q_Δ] is multiplied by.</summary>
    internal float InputFactor(int group, int channel) => (float)(
        U.Scales[GroupOf(U, channel)] * Delta.Unit * (1 << (B.Bits - 1)) / Unit(group, channel));

    /// <summary>unit: what a sum of h·q_C is multiplied by.</summary>
    internal float OutputFactor(int group, int channel) => (float)Unit(group, channel);

    /// <summary>D·s_u: what q_u − z_u adds to y.</summary>
    internal float SkipFactor(float d, int channel) => d * U.Scales[GroupOf(U, channel)];

    /// <summary>s_before/s_after, where a group begins.</summary>
    internal float Rescale(int group) => HiddenState.GroupScales[group - 1] / HiddenState.GroupScales[group];

    /// <summary>o: what is added to a hidden state before the bits below its level are cut off.</summary>
    internal int RoundingOffset(int token, int state)
    {
        if (!HiddenState.IsDithered)
            return 1 << (HiddenShift - 1);
        double phase = (token * 0.6180339887498949) + (state * 0.7548776662466927);
        return (int)((phase - Math.Floor(phase)) * (1 << HiddenShift));
    }

    /// <summary>The constants of the scan as the kernels take them.</summary>
    /// <param name="d">D, <c>[channels]</c>.</param>
    /// <param name="tokens">L.</param>
    internal IntegerScanTables TablesFor(FloatTensor d, int tokens)
    {
        int channels = d.Length, states = RateCodes.Length / channels, pairs = (states + 1) / 2;
        int[] each = [.. Enumerable.Range(0, channels)],
            groups = [.. Enumerable.Range(0, HiddenState.GroupScales.Count)];
        float[] lows = [.. each.Select(e => (float)-U.ZeroPoints[GroupOf(U, e)])];
        return new IntegerScanTables
        {
            Channels = channels,
            States = states,
            RateCodes = RateCodes,
            Decays = DecayTable,
            Delta = new DeltaLevels(
                Delta.IsBeforeSoftplus, Delta.Lowest, Delta.Scale, Delta.InverseScale, Delta.MaxLevel),
            DeltaMultiples = Delta.Multiples,
            DeltaValues = [.. Enumerable.Range(0, Delta.MaxLevel + 1).Select(level => (float)Delta.Dequantize(level))],
            DeltaCodes = DeltaCodes,
            UInverses = Each(channels, U, U.InverseScales),
            ULows = lows,
            UHighs = [.. lows.Select(low => U.MaxLevel + low)],
            Skips = [.. each.Select(e => SkipFactor(d.Span[e], e))],
            BScales = Each(tokens, B, B.Scales),
            BInverses = Each(tokens, B, B.InverseScales),
            CScales = Each(tokens, C, C.Scales),
            CInverses = Each(tokens, C, C.InverseScales),
            BBits = B.Bits,
            BMaxLevel = B.MaxLevel,
            CMaxLevel = C.MaxLevel,
            HiddenBits = HiddenState.Bits,
            Groups = [.. Enumerable.Range(0, tokens).Select(HiddenState.GroupOf)],
            Rescales = [.. groups.Select(g => g == 0 ? 1 : Rescale(g))],
            HiddenScales =
            [
                .. groups.SelectMany(g => each.Select(e => HiddenState.GroupScales[g] * HiddenState.ChannelScale(e))),
            ],
            InputFactors = [.. groups.SelectMany(g => each.Select(e => InputFactor(g, e)))],
            OutputFactors = [.. groups.SelectMany(g => each.Select(e => OutputFactor(g, e)))],
            Offsets =
            [
                .. Enumerable.Range(0, tokens * 2 * pairs).Select(
                    i => (short)RoundingOffset(i / (2 * pairs), i % (2 * pairs))),
            ],
        };
    }

    /// <summary>The index of a channel's or a token's scale.</summary>
    internal static int GroupOf(UniformQuantizer quantizer, int position) =>
        quantizer.Granularity == Granularity.PerTensor ? 0 : position;

    private static float[] Each(int count, UniformQuantizer quantizer, ReadOnlySpan<float> values)
    {
        var each = new float[count];
        for (int i = 0; i < count; i++)
            each[i] = values[GroupOf(quantizer, i)];
        return each;
    }

    private static sbyte DeltaCode(double delta) => delta == 0
        ? sbyte.MinValue // no time passes
        : ToCode(Math.Log2(delta) + ((double)CodeOfOne / CodesPerOctave));

    private static sbyte ToCode(double octaves) =>
        (sbyte)Math.Clamp(Math.Round(octaves * CodesPerOctave), sbyte.MinValue, sbyte.MaxValue);

    private double Unit(int group, int channel) =>
        (double)HiddenState.GroupScales[group] * HiddenState.ChannelScale(channel) / (1 << HiddenShift);

    private short DecayOf(int code)
    {
        double exact = Math.Pow(2, -Math.Pow(2, (double)(code - CodeOfOne) / CodesPerOctave));
        return (short)Math.Min(Math.Round(Decay.Dequantize(Decay.Quantize(exact)) * 32768), short.MaxValue);
    }
}
