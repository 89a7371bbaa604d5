using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Convolution;

/// <summary>The backward pass of <see cref="CausalConv"/>.</summary>
/// <remarks>
/// With s the convolution's sum, computed again, and ȳ = ∂L/∂y:
/// <code>
/// s̄_t = ȳ_t·silu'(s_t)       x̄_t = Σ_k w[k]·s̄_(t+K−1−k)       w̄[k] = Σ_t s̄_t·x_(t−K+1+k)       b̄ = Σ_t s̄_t
/// </code>
/// x̄ is the same convolution of s̄ with the direction of time reversed.
/// </remarks>
internal abstract unsafe class CausalConvGradient : ILanesOperation<RangeKernel<CausalConvGradientCall>>
{
    /// <summary>The forms of this operation.</summary>
    public static KernelTable<RangeKernel<CausalConvGradientCall>> Table { get; } =
        KernelTable<RangeKernel<CausalConvGradientCall>>.ForLanes<CausalConvGradient>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static RangeKernel<CausalConvGradientCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32-causalconv-gradient", instructionSet, &Run<TLanes>);

    /// <summary>
    /// Computes the gradients of the channels from <paramref name="channelStart"/> to before
    /// <paramref name="channelEnd"/>, for one sequence.
    /// </summary>
    public static void Run(in CausalConvGradientCall call, int channelStart, int channelEnd) =>
        Table.Best.Run(in call, channelStart, channelEnd);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in CausalConvGradientCall call, int channelStart, int channelEnd)
        where TLanes : struct, ILanes<TLanes>
    {
        int first = channelStart;
        if (call.Forward.Taps == CausalConv.UsualTaps && !call.Forward.SumsOnly && call.Forward.Bias is not null)
        {
            for (; first + TLanes.Count <= channelEnd; first += TLanes.Count)
                SlideFourTaps<TLanes>(in call, first);
        }
        if (first < channelEnd)
            RunAnyTaps<TLanes>(in call, first, channelEnd);
    }

    /// <summary>The usual case: one register of channels passes over all tokens from the last to the first.</summary>
    /// <remarks>
    /// The values under the taps move on from register to register. So do the s̄ of the tokens whose sums contain a
    /// value:
    /// <code>
    ///   x_(t−3)  x_(t−2)  x_(t−1)  x_t  ──► s_t ──► s̄_t     s̄_t  s̄_(t+1)  s̄_(t+2)  s̄_(t+3)  ──► x̄_t
    /// </code>
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void SlideFourTaps<TLanes>(in CausalConvGradientCall call, int channel)
        where TLanes : struct, ILanes<TLanes>
    {
        ref readonly CausalConvCall forward = ref call.Forward;
        var exp = new ExpPolynomial<TLanes>(PolynomialCoefficients.Exp);
        float* weights = forward.Weights + channel;
        TLanes w0 = TLanes.Load(weights), w1 = TLanes.Load(weights + forward.WeightStride);
        TLanes w2 = TLanes.Load(weights + (2 * forward.WeightStride));
        TLanes w3 = TLanes.Load(weights + (3 * forward.WeightStride));
        TLanes bias = TLanes.Load(forward.Bias + channel), zero = TLanes.Create(0f);
        TLanes g0 = zero, g1 = zero, g2 = zero, g3 = zero, biasGradient = zero;
        nint last = forward.Reverse ? 0 : forward.Tokens - 1, back = forward.Reverse ? 1 : -1;
        float* source = forward.Source + (last * forward.SourceStride) + channel;
        float* output = call.Gradients.Output + (last * call.Gradients.OutputStride) + channel;
        float* target = call.Gradients.Source + (last * call.Gradients.SourceStride) + channel;
        nint sourceStride = back * forward.SourceStride;
        TLanes x3 = TLanes.Load(source), x2 = forward.Tokens > 1 ? TLanes.Load(source + sourceStride) : zero;
        TLanes x1 = forward.Tokens > 2 ? TLanes.Load(source + (2 * sourceStride)) : zero;
        TLanes s1 = zero, s2 = zero, s3 = zero;
        source += 3 * sourceStride;
        for (int t = forward.Tokens - 1; t >= 0; t--)
        {
            TLanes x0 = t >= 3 ? TLanes.Load(source) : zero;
            TLanes sum = TLanes.MultiplyAdd(w0, x0, bias);
            sum = TLanes.MultiplyAdd(w1, x1, sum);
            sum = TLanes.MultiplyAdd(w2, x2, sum);
            sum = TLanes.MultiplyAdd(w3, x3, sum);
            TLanes s0 = TLanes.Load(output) * VectorMath.SiluSlope(sum, in exp);
            g0 = TLanes.MultiplyAdd(s0, x0, g0);
            g1 = TLanes.MultiplyAdd(s0, x1, g1);
            g2 = TLanes.MultiplyAdd(s0, x2, g2);
            g3 = TLanes.MultiplyAdd(s0, x3, g3);
            biasGradient += s0;
            TLanes gradient = TLanes.MultiplyAdd(
                w3, s0, TLanes.MultiplyAdd(w2, s1, TLanes.MultiplyAdd(w1, s2, w0 * s3)));
            TLanes.Store(call.Gradients.AccumulateSource ? TLanes.Load(target) + gradient : gradient, target);
            (s1, s2, s3) = (s0, s1, s2);
            (x3, x2, x1) = (x2, x1, x0);
            source += sourceStride;
            output += back * call.Gradients.OutputStride;
            target += back * call.Gradients.SourceStride;
        }
        Add(call.Gradients.Weight + channel, g0);
        Add(call.Gradients.Weight + forward.WeightStride + channel, g1);
        Add(call.Gradients.Weight + (2 * forward.WeightStride) + channel, g2);
        Add(call.Gradients.Weight + (3 * forward.WeightStride) + channel, g3);
        Add(call.Gradients.Bias + channel, biasGradient);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<TLanes>(float* target, TLanes value)
        where TLanes : struct, ILanes<TLanes> => TLanes.Store(TLanes.Load(target) + value, target);

    /// <summary>s̄ of all tokens first, then x̄.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunAnyTaps<TLanes>(in CausalConvGradientCall call, int channelStart, int channelEnd)
        where TLanes : struct, ILanes<TLanes>
    {
        float* taps = stackalloc float[call.Forward.Taps * TLanes.Count];
        int i = channelStart;
        for (; i + TLanes.Count <= channelEnd; i += TLanes.Count)
            RunChannels<TLanes>(in call, channelEnd, i, taps);
        for (; i < channelEnd; i++)
            RunChannels<Lane1>(in call, channelEnd, i, taps);

        CausalConvCall mirrored = call.Forward;
        mirrored.Reverse = !call.Forward.Reverse;
        mirrored.SumsOnly = true;
        mirrored.Accumulate = call.Gradients.AccumulateSource;
        mirrored.Source = call.Sums;
        mirrored.SourceStride = channelEnd;
        mirrored.Bias = null;
        mirrored.Target = call.Gradients.Source;
        mirrored.TargetStride = call.Gradients.SourceStride;
        CausalConv.Run(in mirrored, channelStart, channelEnd);
    }

    /// <summary>s̄, w̄ and b̄ of one register of channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunChannels<TLanes>(in CausalConvGradientCall call, int sumStride, int channel, float* taps)
        where TLanes : struct, ILanes<TLanes>
    {
        ref readonly CausalConvCall forward = ref call.Forward;
        int width = TLanes.Count, tapCount = forward.Taps;
        nint sourceStride = forward.Reverse ? -forward.SourceStride : forward.SourceStride;
        TLanes bias = forward.Bias is null ? TLanes.Create(0f) : TLanes.Load(forward.Bias + channel);
        var exp = new ExpPolynomial<TLanes>(PolynomialCoefficients.Exp);
        TLanes biasGradient = TLanes.Create(0f);
        new Span<float>(taps, tapCount * width).Clear();
        for (int i = 0; i < forward.Tokens; i++)
        {
            nint token = forward.Reverse ? forward.Tokens - 1 - i : i;
            int firstTap = Math.Max(0, tapCount - 1 - i);
            float* first =
                forward.Source + (token * forward.SourceStride) - ((tapCount - 1 - firstTap) * sourceStride) + channel;
            TLanes gradient = TLanes.Load(call.Gradients.Output + (token * call.Gradients.OutputStride) + channel);
            if (!forward.SumsOnly)
            {
                TLanes sum = bias;
                float* x = first;
                for (int k = firstTap; k < tapCount; k++, x += sourceStride)
                {
                    sum = TLanes.MultiplyAdd(
                        TLanes.Load(forward.Weights + (k * forward.WeightStride) + channel), TLanes.Load(x), sum);
                }
                gradient *= VectorMath.SiluSlope(sum, in exp);
            }
            TLanes.Store(gradient, call.Sums + (token * sumStride) + channel);
            biasGradient += gradient;
            float* source = first;
            for (int k = firstTap; k < tapCount; k++, source += sourceStride)
            {
                TLanes.Store(
                    TLanes.MultiplyAdd(gradient, TLanes.Load(source), TLanes.Load(taps + (k * width))),
                    taps + (k * width));
            }
        }
        for (int k = 0; k < tapCount; k++)
        {
            float* target = call.Gradients.Weight + (k * forward.WeightStride) + channel;
            Add(target, TLanes.Load(taps + (k * width)));
        }
        if (forward.Bias is not null)
            Add(call.Gradients.Bias + channel, biasGradient);
    }
}
