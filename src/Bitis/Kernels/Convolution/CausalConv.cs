using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Convolution;

/// <summary>
/// The short depthwise convolution before the scan, with its bias and activation; tokens before the first are zero.
/// </summary>
/// <remarks>
/// <code>
/// y_t = silu(bias + Σ_k w[k]·x_(t−K+1+k))
/// </code>
/// In a quantized layer, w and x are levels: whole numbers, whose sums are exact in float32. The sum is multiplied by a
/// scale for each channel. Channels are independent, so work is split over them.
/// </remarks>
internal abstract unsafe class CausalConv : ILanesOperation<RangeKernel<CausalConvCall>>
{
    /// <summary>The number of taps in all published models.</summary>
    internal const int UsualTaps = 4;

    /// <summary>The forms of this operation.</summary>
    public static KernelTable<RangeKernel<CausalConvCall>> Table { get; } =
        KernelTable<RangeKernel<CausalConvCall>>.ForLanes<CausalConv>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static RangeKernel<CausalConvCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32-causalconv", instructionSet, &Run<TLanes>);

    /// <summary>
    /// Convolves the channels from <paramref name="channelStart"/> to before <paramref name="channelEnd"/>. Multiples
    /// of 16 are fastest.
    /// </summary>
    public static void Run(in CausalConvCall call, int channelStart, int channelEnd) =>
        Table.Best.Run(in call, channelStart, channelEnd);

    /// <summary>
    /// Transposes the weights of a checkpoint, <c>[channels, 1, taps]</c>, to <c>[taps, channels]</c>.
    /// </summary>
    /// <exception cref="ArgumentException">A length does not match.</exception>
    public static void PackWeights(ReadOnlySpan<float> weights, Span<float> packed, int channels, int taps)
    {
        if (weights.Length != (long)channels * taps || packed.Length != weights.Length)
        {
            throw new ArgumentException(
                $"{weights.Length} to {packed.Length} weights for {channels}x{taps}.", nameof(packed));
        }
        for (int e = 0; e < channels; e++)
        {
            for (int k = 0; k < taps; k++)
                packed[(k * channels) + e] = weights[(e * taps) + k];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in CausalConvCall call, int channelStart, int channelEnd)
        where TLanes : struct, ILanes<TLanes>
    {
        int i = channelStart;
        if (call.Taps == UsualTaps && !call.SumsOnly && !call.Accumulate && call.Bias is not null)
        {
            for (; i + TLanes.Count <= channelEnd; i += TLanes.Count)
            {
                if (call.Rows is null)
                    SlideFourTaps<TLanes, Off>(in call, i);
                else
                    SlideFourTaps<TLanes, On>(in call, i);
            }
        }
        // Token by token, so that the rows under the taps stay in the nearest cache.
        for (int token = 0; token < call.Tokens && i < channelEnd; token++)
            ConvolveToken<TLanes>(in call, token, i, channelEnd);
    }

    /// <summary>Computes the usual case of four taps for one register of channels.</summary>
    /// <remarks>
    /// The register passes over all tokens with its four weights. The values under the taps move on from register to
    /// register, so each is loaded once. Where the switch is on, tokens are read by an index map.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void SlideFourTaps<TLanes, TMapped>(in CausalConvCall call, int channel)
        where TLanes : struct, ILanes<TLanes>
        where TMapped : struct, ISwitch
    {
        var exp = new ExpPolynomial<TLanes>(PolynomialCoefficients.Exp);
        float* weights = call.Weights + channel;
        TLanes w0 = TLanes.Load(weights), w1 = TLanes.Load(weights + call.WeightStride);
        TLanes w2 = TLanes.Load(weights + (2 * call.WeightStride)), w3 = TLanes.Load(weights + (3 * call.WeightStride));
        TLanes bias = TLanes.Load(call.Bias + channel);
        bool hasScales = call.Scales is not null;
        TLanes scale = hasScales ? TLanes.Load(call.Scales + channel) : bias;
        TLanes start = hasScales ? TLanes.Create(0f) : bias;
        TLanes x0 = TLanes.Create(0f), x1 = x0, x2 = x0;
        nint first = call.Reverse ? call.Tokens - 1 : 0, direction = call.Reverse ? -1 : 1;
        float* source = call.Source + (first * call.SourceStride) + channel;
        float* target = call.Target + (first * call.TargetStride) + channel;
        nint sourceStride = direction * call.SourceStride, targetStride = direction * call.TargetStride;
        int i = 0;
        for (; i + 2 <= call.Tokens; i += 2)
        {
            TLanes x3 = TMapped.IsOn
                ? LoadMapped<TLanes>(in call, first + (i * direction), channel)
                : TLanes.Load(source);
            TLanes x4 = TMapped.IsOn
                ? LoadMapped<TLanes>(in call, first + ((i + 1) * direction), channel)
                : TLanes.Load(source + sourceStride);
            TLanes sum0 = TLanes.MultiplyAdd(w0, x0, start), sum1 = TLanes.MultiplyAdd(w0, x1, start);
            sum0 = TLanes.MultiplyAdd(w1, x1, sum0);
            sum1 = TLanes.MultiplyAdd(w1, x2, sum1);
            sum0 = TLanes.MultiplyAdd(w2, x2, sum0);
            sum1 = TLanes.MultiplyAdd(w2, x3, sum1);
            sum0 = TLanes.MultiplyAdd(w3, x3, sum0);
            sum1 = TLanes.MultiplyAdd(w3, x4, sum1);
            if (hasScales)
                (sum0, sum1) = ((sum0 * scale) + bias, (sum1 * scale) + bias);
            VectorMath.SiluPair(ref sum0, ref sum1, in exp);
            TLanes.Store(sum0, target);
            TLanes.Store(sum1, target + targetStride);
            (x0, x1, x2) = (x2, x3, x4);
            source += 2 * sourceStride;
            target += 2 * targetStride;
        }
        if (i < call.Tokens)
        {
            TLanes sum = TLanes.MultiplyAdd(w0, x0, start);
            sum = TLanes.MultiplyAdd(w1, x1, sum);
            sum = TLanes.MultiplyAdd(w2, x2, sum);
            TLanes last = TMapped.IsOn
                ? LoadMapped<TLanes>(in call, first + (i * direction), channel)
                : TLanes.Load(source);
            sum = TLanes.MultiplyAdd(w3, last, sum);
            if (hasScales)
                sum = (sum * scale) + bias;
            TLanes.Store(VectorMath.Silu(sum, in exp), target);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ConvolveToken<TLanes>(in CausalConvCall call, int token, int channelStart, int channelEnd)
        where TLanes : struct, ILanes<TLanes>
    {
        // The last tap meets the token itself, tap K−1−d its neighbour at distance d.
        int reach = call.Reverse ? call.Tokens - 1 - token : token;
        int firstTap = Math.Max(0, call.Taps - 1 - reach);
        nint sourceStride = call.Reverse ? -call.SourceStride : call.SourceStride;
        float* source = call.Source + (token * call.SourceStride) - ((call.Taps - 1 - firstTap) * sourceStride);
        float* weights = call.Weights + (firstTap * call.WeightStride);
        float* target = call.Target + (token * call.TargetStride);
        float* bias = call.Bias, scales = call.Scales;
        int taps = call.Taps - firstTap;
        nint weightStride = call.WeightStride;
        var exp = new ExpPolynomial<TLanes>(PolynomialCoefficients.Exp);
        var scalar = new ExpPolynomial<Lane1>(PolynomialCoefficients.Exp);

        int i = channelStart;
        for (; i + TLanes.Count <= channelEnd; i += TLanes.Count)
        {
            TLanes offset = bias is null ? TLanes.Create(0f) : TLanes.Load(bias + i);
            TLanes sum = scales is null ? offset : TLanes.Create(0f);
            sum = call.Rows is null
                ? AddTaps(sum, source + i, sourceStride, weights + i, weightStride, taps)
                : AddMappedTaps(in call, sum, token, firstTap, i);
            sum = scales is null ? sum : (sum * TLanes.Load(scales + i)) + offset;
            sum = call.SumsOnly ? sum : VectorMath.Silu(sum, in exp);
            TLanes.Store(call.Accumulate ? TLanes.Load(target + i) + sum : sum, target + i);
        }
        for (; i < channelEnd; i++)
        {
            Lane1 offset = Lane1.Create(bias is null ? 0f : bias[i]), sum = scales is null ? offset : Lane1.Create(0f);
            sum = call.Rows is null
                ? AddTaps(sum, source + i, sourceStride, weights + i, weightStride, taps)
                : AddMappedTaps(in call, sum, token, firstTap, i);
            sum = scales is null ? sum : (sum * Lane1.Load(scales + i)) + offset;
            sum = call.SumsOnly ? sum : VectorMath.Silu(sum, in scalar);
            Lane1.Store(call.Accumulate ? Lane1.Load(target + i) + sum : sum, target + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes AddTaps<TLanes>(
        TLanes sum, float* source, nint sourceStride, float* weights, nint weightStride, int taps)
        where TLanes : struct, ILanes<TLanes>
    {
        for (int tap = 0; tap < taps; tap++)
        {
            sum = TLanes.MultiplyAdd(TLanes.Load(weights), TLanes.Load(source), sum);
            weights += weightStride;
            source += sourceStride;
        }
        return sum;
    }

    private static TLanes AddMappedTaps<TLanes>(
        in CausalConvCall call, TLanes sum, int token, int firstTap, int channel)
        where TLanes : struct, ILanes<TLanes>
    {
        for (int tap = firstTap; tap < call.Taps; tap++)
        {
            int distance = call.Taps - 1 - tap;
            TLanes value = LoadMapped<TLanes>(in call, call.Reverse ? token + distance : token - distance, channel);
            sum = TLanes.MultiplyAdd(TLanes.Load(call.Weights + (tap * call.WeightStride) + channel), value, sum);
        }
        return sum;
    }

    /// <summary>The channels of a token, found by the index map.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes LoadMapped<TLanes>(in CausalConvCall call, nint token, int channel)
        where TLanes : struct, ILanes<TLanes>
    {
        int row = call.Rows[token];
        return row < 0 ? TLanes.Create(0f) : TLanes.Load(call.Source + (row * call.SourceStride) + channel);
    }
}
