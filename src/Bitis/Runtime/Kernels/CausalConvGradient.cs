using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Bitis.Runtime.Kernels;

/// <summary>
/// The reverse pass of <see cref="CausalConv"/>. With s the convolution's sum, computed again, and ȳ = ∂L/∂y:
/// <code>
/// s̄_t = ȳ_t·silu'(s_t)       x̄_t = Σ_k w[k]·s̄_(t+K−1−k)       w̄[k] = Σ_t s̄_t·x_(t−K+1+k)       b̄ = Σ_t s̄_t
/// </code>
/// x̄ is the same convolution of s̄ with the direction of time reversed.
/// </summary>
internal static unsafe class CausalConvGradient
{
    /// <summary>The forms of this operation.</summary>
    public static KernelTable<CausalConvGradientKernel> Table { get; } = new(
        new(InstructionSet.Avx512, &Run<Lanes512>),
        new(InstructionSet.Avx2, &Run<Lanes256>),
        new(InstructionSet.Portable, &RunPortable));

    /// <summary>Computes all gradients of one sequence.</summary>
    /// <param name="call">The operands.</param>
    /// <param name="channels">E.</param>
    public static void Run(in CausalConvGradientCall call, int channels) => Table.Best.Run(in call, channels);

    private static void RunPortable(in CausalConvGradientCall call, int channels)
    {
        if (Vector128.IsHardwareAccelerated)
            Run<Lanes128>(in call, channels);
        else
            Run<Lane1>(in call, channels);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in CausalConvGradientCall call, int channels)
        where TLanes : struct, ILanes<TLanes>
    {
        float* taps = stackalloc float[call.Forward.Taps * TLanes.Count];
        int i = 0;
        for (; i + TLanes.Count <= channels; i += TLanes.Count)
            RunChannels<TLanes>(in call, channels, i, taps);
        for (; i < channels; i++)
            RunChannels<Lane1>(in call, channels, i, taps);

        CausalConvCall mirrored = call.Forward;
        mirrored.Reverse = !call.Forward.Reverse;
        mirrored.SumsOnly = true;
        mirrored.Accumulate = call.AccumulateSource;
        mirrored.Source = call.Sums;
        mirrored.SourceStride = channels;
        mirrored.Bias = null;
        mirrored.Target = call.SourceGradient;
        mirrored.TargetStride = call.SourceGradientStride;
        CausalConv.Run(in mirrored, 0, channels);
    }

    /// <summary>s̄, w̄ and b̄ of one register of channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunChannels<TLanes>(in CausalConvGradientCall call, int channels, int channel, float* taps)
        where TLanes : struct, ILanes<TLanes>
    {
        ref readonly CausalConvCall forward = ref call.Forward;
        int width = TLanes.Count, tapCount = forward.Taps;
        nint step = forward.Reverse ? -forward.SourceStride : forward.SourceStride;
        TLanes bias = forward.Bias is null ? TLanes.Create(0f) : TLanes.Load(forward.Bias + channel);
        var exp = new ExpPolynomial<TLanes>(PolynomialCoefficients.Exp);
        TLanes biasGradient = TLanes.Create(0f);
        new Span<float>(taps, tapCount * width).Clear();
        for (int i = 0; i < forward.Tokens; i++)
        {
            nint token = forward.Reverse ? forward.Tokens - 1 - i : i;
            int firstTap = Math.Max(0, tapCount - 1 - i);
            float* first = forward.Source + (token * forward.SourceStride) - ((tapCount - 1 - firstTap) * step) + channel;
            TLanes gradient = TLanes.Load(call.OutputGradient + (token * call.OutputGradientStride) + channel);
            if (!forward.SumsOnly)
            {
                TLanes sum = bias;
                float* x = first;
                for (int k = firstTap; k < tapCount; k++, x += step)
                    sum = TLanes.MultiplyAdd(TLanes.Load(forward.Weights + (k * forward.WeightStride) + channel), TLanes.Load(x), sum);
                gradient *= VectorMath.SiluSlope(sum, in exp);
            }
            TLanes.Store(gradient, call.Sums + (token * channels) + channel);
            biasGradient += gradient;
            float* source = first;
            for (int k = firstTap; k < tapCount; k++, source += step)
                TLanes.Store(TLanes.MultiplyAdd(gradient, TLanes.Load(source), TLanes.Load(taps + (k * width))), taps + (k * width));
        }
        for (int k = 0; k < tapCount; k++)
        {
            float* target = call.WeightGradient + (k * forward.WeightStride) + channel;
            TLanes.Store(TLanes.Load(target) + TLanes.Load(taps + (k * width)), target);
        }
        if (forward.Bias is not null)
            TLanes.Store(TLanes.Load(call.BiasGradient + channel) + biasGradient, call.BiasGradient + channel);
    }
}
