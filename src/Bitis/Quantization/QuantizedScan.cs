namespace Bitis.Quantization;

/// <summary>
/// A selective scan in integers: the grids of its operands, of the discrete parameters and of the hidden states. What it computes,
/// for each channel e and state n (all of it is exact in integers but the two roundings to float32 that are named):
/// <code>
///   u  = s_u[e]·(q_u − z_u[e])    Δ = unit_Δ·d[q_Δ]    B = s_B[t]·k_B[n]·q_B    C = s_C[t]·k_C[n]·q_C    the operands' grids
///   i  = clamp(codeΔ[q_Δ] + codeA[e, n], 0, 127)                                           log₂(−log₂ Ā) in eighths
///   Ā  = decay[i] / 2¹⁵                                                                    a level of Ā's grid
///   v  = clamp16(round((float((q_u − z_u)·d[q_Δ])·f[g, e])·s_B[t]))                        f = s_u·unit_Δ·2¹⁵·w_B/unit, float32
///   h  = level(clamp16(Ā ∗ h + v ∗ (q_B·m_B[n])))                                          x ∗ y = (x·y + 2¹⁴) ≫ 15
///   y  = ((Σ_n h·q_C·m_C[n])·(unit·w_C))·s_C[t] + (D·s_u)·(q_u − z_u)                                   float32
/// </code>
/// h is a 16-bit number whose upper b bits are the level and whose lower ones are 0: <c>level(x) = clamp16(x + o) &amp; mask</c>;
/// it counts unit·s_h[n], with unit the scale of group and channel divided by 2^(16−b), and s_h[n] that of the state. The m are integers
/// and the w float64 numbers (<see cref="StateLevels"/>) such that w_B·m_B[n] ≈ k_B[n]/s_h[n] and w_C·m_C[n] ≈ k_C[n]·s_h[n]; what is
/// rounded there makes k_B and k_C, not the results, different from what was asked for. The offset o is 2^(15−b) for rounding to nearest; dithered, it is
/// <c>⌊frac(0.618…·t + 0.754…·n)·2^(16−b)⌋</c>, which takes all values alike, so that a state that changes by less than a level at a
/// time moves on average as it should instead of standing still. Where a group of tokens begins, h becomes
/// <c>level(clamp16(round(h·(s_before/s_after))))</c>, the product in float32, to nearest.
/// </summary>
public sealed class QuantizedScan
{
    /// <summary>Codes of −log₂ Ā for an octave.</summary>
    public const int CodesPerOctave = 8;

    /// <summary>How many values of Ā there are.</summary>
    public const int Codes = 128;

    /// <summary>The code of −log₂ Ā = 1: code 0 is 2⁻¹².</summary>
    public const int CodeOfOne = 96;

    /// <summary>Puts a scan together.</summary>
    /// <param name="u">The grid of u: unsigned, per tensor or channel.</param>
    /// <param name="delta">The grid of Δ.</param>
    /// <param name="b">The grid of B.</param>
    /// <param name="c">The grid of C.</param>
    /// <param name="decay">The grid of Ā.</param>
    /// <param name="hiddenState">The grid of h.</param>
    /// <param name="rateCodes">The codes of A, <c>[channels, states]</c>: <see cref="RateCode"/>.</param>
    /// <param name="states">N.</param>
    /// <exception cref="ArgumentException">A grid is of another kind.</exception>
    public QuantizedScan(
        UniformQuantizer u,
        DeltaQuantizer delta,
        StateQuantizer b,
        StateQuantizer c,
        DecayQuantizer decay,
        HiddenStateQuantizer hiddenState,
        sbyte[] rateCodes,
        int states)
    {
        ArgumentNullException.ThrowIfNull(decay);
        if (u.IsSymmetric || u.Granularity == Granularity.PerToken)
            throw new ArgumentException("u has unsigned levels, whose scales may differ between channels.", nameof(u));
        if (((int[])[b.StateScales.Count, c.StateScales.Count, hiddenState.StateScales.Count]).Any(count => count != 1 && count != states))
            throw new ArgumentException($"Expected a scale for each of {states} states, or one for all.", nameof(states));
        decay.Validate();
        U = u;
        Delta = delta;
        B = b;
        C = c;
        Decay = decay;
        HiddenState = hiddenState;
        RateCodes = rateCodes;
        States = states;
        BLevels = BLevelsOf(b, hiddenState, states);
        CLevels = CLevelsOf(c, hiddenState, states);
        DecayTable = [.. Enumerable.Range(0, Codes).Select(DecayOf)];
        DeltaCodes = [.. Enumerable.Range(0, delta.MaxLevel + 1).Select(level => DeltaCode(delta.Dequantize(level)))];
    }

    /// <summary>The grid of u.</summary>
    public UniformQuantizer U { get; }

    /// <summary>The grid of Δ.</summary>
    public DeltaQuantizer Delta { get; }

    /// <summary>The grid of B.</summary>
    public StateQuantizer B { get; }

    /// <summary>The grid of C.</summary>
    public StateQuantizer C { get; }

    /// <summary>The grid of Ā.</summary>
    public DecayQuantizer Decay { get; }

    /// <summary>The grid of h.</summary>
    public HiddenStateQuantizer HiddenState { get; }

    /// <summary>The codes of A, <c>[channels, states]</c>.</summary>
    public sbyte[] RateCodes { get; }

    /// <summary>N.</summary>
    public int States { get; }

    /// <summary>Ā·2¹⁵ by code.</summary>
    public IReadOnlyList<short> DecayTable { get; }

    /// <summary>The code that each level of Δ adds.</summary>
    public IReadOnlyList<sbyte> DeltaCodes { get; }

    /// <summary>The code of A = −exp(A_log): log₂(|A|·log₂ e) in eighths.</summary>
    public static sbyte RateCode(float aLog) => ToCode((aLog * Math.Log2(Math.E)) + Math.Log2(Math.Log2(Math.E)));

    /// <summary>The levels of B in integers.</summary>
    internal StateLevels BLevels { get; }

    /// <summary>The levels of C in integers.</summary>
    internal StateLevels CLevels { get; }

    /// <summary>The bits of h below its level.</summary>
    internal int HiddenShift => 16 - HiddenState.Bits;

    /// <summary>f[g, e]: what (q_u − z_u)·d[q_Δ] is multiplied by.</summary>
    internal float InputFactor(int group, int channel) => (float)(
        U.Scales[GroupOf(U, channel)] * Delta.Unit * 32768 * BLevels.Unit / Unit(group, channel));

    /// <summary>unit: what a sum of h·q_C·m_C is multiplied by.</summary>
    internal float OutputFactor(int group, int channel) => (float)(Unit(group, channel) * CLevels.Unit);

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

    /// <summary>The index of a channel's scale.</summary>
    internal static int GroupOf(UniformQuantizer grid, int channel) => grid.Granularity == Granularity.PerTensor ? 0 : channel;

    /// <summary>Levels of B, as the upper bits of 16.</summary>
    private static StateLevels BLevelsOf(StateQuantizer b, HiddenStateQuantizer hidden, int states) =>
        new(b, [.. Enumerable.Range(0, states).Select(n => b.StateScale(n) / (double)hidden.StateScale(n))], 1 << (16 - b.Bits));

    /// <summary>Levels of C, such that a sum over all states of products with 16-bit numbers stays below 2³¹.</summary>
    private static StateLevels CLevelsOf(StateQuantizer c, HiddenStateQuantizer hidden, int states)
    {
        double[] weights = [.. Enumerable.Range(0, states).Select(n => c.StateScale(n) * (double)hidden.StateScale(n))];
        bool areEqual = weights.All(weight => weight == weights[0]);
        return new(c, weights, areEqual ? 1 : Math.Max(1, Math.Min(32767, 65535 / states) / c.MaxLevel));
    }

    private static sbyte DeltaCode(double delta) => delta == 0
        ? sbyte.MinValue // no time passes
        : ToCode(Math.Log2(delta) + ((double)CodeOfOne / CodesPerOctave));

    private static sbyte ToCode(double octaves) => (sbyte)Math.Clamp(Math.Round(octaves * CodesPerOctave), sbyte.MinValue, sbyte.MaxValue);

    private double Unit(int group, int channel) =>
        (double)HiddenState.GroupScales[group] * HiddenState.ChannelScale(channel) / (1 << HiddenShift);

    private short DecayOf(int code)
    {
        double exact = Math.Pow(2, -Math.Pow(2, (double)(code - CodeOfOne) / CodesPerOctave));
        return (short)Math.Min(Math.Round(Decay.Dequantize(Decay.Quantize(exact)) * 32768), short.MaxValue);
    }
}
