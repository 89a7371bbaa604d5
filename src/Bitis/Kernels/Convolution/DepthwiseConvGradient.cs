using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Convolution;

/// <summary>The backward pass of <see cref="DepthwiseConv"/>.</summary>
/// <remarks>
/// With s the convolution's sum, computed again, and ȳ = ∂L/∂y:
/// <code>
/// s̄_t = ȳ_t·silu'(s_t)       w̄[tap] = Σ_t s̄_t·x_(source of t under the tap)       b̄ = Σ_t s̄_t
/// </code>
/// x̄ is the convolution of s̄ with the filter rotated by 180°.
/// </remarks>
internal abstract unsafe class DepthwiseConvGradient : ILanesOperation<RangeKernel<DepthwiseConvGradientCall>>
{
    /// <summary>The forms of this operation.</summary>
    public static KernelTable<RangeKernel<DepthwiseConvGradientCall>> Table { get; } =
        KernelTable<RangeKernel<DepthwiseConvGradientCall>>.ForLanes<DepthwiseConvGradient>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static RangeKernel<DepthwiseConvGradientCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32-depthwiseconv-gradient", instructionSet, &Run<TLanes>);

    private const int MostLanes = 16;

    /// <summary>The elements of scratch memory that a grid needs: s̄ of one register of channels.</summary>
    public static int ScratchLength(int tokens) => tokens * MostLanes;

    /// <summary>
    /// Computes the gradients of the channels from <paramref name="channelStart"/> to before
    /// <paramref name="channelEnd"/>, for one image.
    /// </summary>
    public static void Run(in DepthwiseConvGradientCall call, int channelStart, int channelEnd) =>
        Table.Best.Run(in call, channelStart, channelEnd);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in DepthwiseConvGradientCall call, int channelStart, int channelEnd)
        where TLanes : struct, ILanes<TLanes>
    {
        int channel = channelStart;
        for (; channel + TLanes.Count <= channelEnd; channel += TLanes.Count)
            RunChannels<TLanes>(in call, channel);
        for (; channel < channelEnd; channel++)
            RunChannels<Lane1>(in call, channel);
    }

    private static void RunChannels<TLanes>(in DepthwiseConvGradientCall call, int channel)
        where TLanes : struct, ILanes<TLanes>
    {
        if (call.Forward.KernelSize == DepthwiseConv.UsualKernelSize)
            Slide<TLanes>(in call, channel);
        else
            AddAny<TLanes>(in call, channel);
        DepthwiseConvCall back = call.Forward;
        int taps = back.KernelSize * back.KernelSize;
        back.SumsOnly = true;
        back.Accumulate = call.Gradients.AccumulateSource;
        back.Source = call.Scratch - channel;
        back.SourceStride = TLanes.Count;
        back.Weights += (taps - 1) * back.WeightStride;
        back.WeightStride = -back.WeightStride;
        back.Bias = null;
        back.Target = call.Gradients.Source;
        back.TargetStride = call.Gradients.SourceStride;
        back.CopyCount = 0;
        DepthwiseConv.Convolve<TLanes>(in back, channel);
    }

    /// <summary>Computes the usual case of a 3×3 filter.</summary>
    /// <remarks>
    /// The values under the filter move on from column to column as in <see cref="DepthwiseConv"/>. Each value is
    /// multiplied by its weight for the sum, and by the sum's gradient for the gradient of the weight.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Slide<TLanes>(in DepthwiseConvGradientCall call, int channel)
        where TLanes : struct, ILanes<TLanes>
    {
        ref readonly DepthwiseConvCall forward = ref call.Forward;
        var exp = new ExpPolynomial<TLanes>(PolynomialCoefficients.Exp);
        float* weights = forward.Weights + channel;
        nint next = forward.WeightStride;
        TLanes w00 = TLanes.Load(weights), w01 = TLanes.Load(weights + next), w02 = TLanes.Load(weights + (2 * next));
        TLanes w10 = TLanes.Load(weights + (3 * next)), w11 = TLanes.Load(weights + (4 * next));
        TLanes w12 = TLanes.Load(weights + (5 * next));
        TLanes w20 = TLanes.Load(weights + (6 * next)), w21 = TLanes.Load(weights + (7 * next));
        TLanes w22 = TLanes.Load(weights + (8 * next));
        TLanes zero = TLanes.Create(0f), bias = forward.Bias is null ? zero : TLanes.Load(forward.Bias + channel);
        TLanes biasGradient = zero;
        TLanes g00 = zero, g01 = zero, g02 = zero, g10 = zero, g11 = zero, g12 = zero, g20 = zero, g21 = zero;
        TLanes g22 = zero;
        nint stride = forward.SourceStride;
        int width = forward.Width;
        float* output = call.Gradients.Output + channel, sums = call.Scratch;
        for (int row = 0; row < forward.Height; row++)
        {
            bool hasAbove = row > 0, hasBelow = row + 1 < forward.Height;
            float* source = forward.Source + ((nint)row * width * stride) + channel;
            float* above = hasAbove ? source - (width * stride) : source;
            float* below = hasBelow ? source + (width * stride) : source;
            TLanes a0 = zero, a1 = hasAbove ? TLanes.Load(above) : zero;
            TLanes b0 = zero, b1 = TLanes.Load(source);
            TLanes c0 = zero, c1 = hasBelow ? TLanes.Load(below) : zero;
            for (int column = 0; column < width; column++)
            {
                TLanes a2 = zero, b2 = zero, c2 = zero;
                if (column + 1 < width)
                {
                    nint offset = (column + 1) * stride;
                    a2 = hasAbove ? TLanes.Load(above + offset) : zero;
                    b2 = TLanes.Load(source + offset);
                    c2 = hasBelow ? TLanes.Load(below + offset) : zero;
                }
                TLanes s = TLanes.Load(output);
                if (!forward.SumsOnly)
                {
                    TLanes upper = TLanes.MultiplyAdd(w02, a2, TLanes.MultiplyAdd(w01, a1, w00 * a0));
                    TLanes middle = TLanes.MultiplyAdd(
                        w12, b2, TLanes.MultiplyAdd(w11, b1, TLanes.MultiplyAdd(w10, b0, bias)));
                    TLanes lower = TLanes.MultiplyAdd(w22, c2, TLanes.MultiplyAdd(w21, c1, w20 * c0));
                    s *= VectorMath.SiluSlope(middle + (upper + lower), in exp);
                }
                TLanes.Store(s, sums);
                g00 = TLanes.MultiplyAdd(s, a0, g00);
                g01 = TLanes.MultiplyAdd(s, a1, g01);
                g02 = TLanes.MultiplyAdd(s, a2, g02);
                g10 = TLanes.MultiplyAdd(s, b0, g10);
                g11 = TLanes.MultiplyAdd(s, b1, g11);
                g12 = TLanes.MultiplyAdd(s, b2, g12);
                g20 = TLanes.MultiplyAdd(s, c0, g20);
                g21 = TLanes.MultiplyAdd(s, c1, g21);
                g22 = TLanes.MultiplyAdd(s, c2, g22);
                biasGradient += s;
                output += call.Gradients.OutputStride;
                sums += TLanes.Count;
                (a0, a1, b0, b1, c0, c1) = (a1, a2, b1, b2, c1, c2);
            }
        }
        float* gradient = call.Gradients.Weight + channel;
        Add(gradient, g00);
        Add(gradient + next, g01);
        Add(gradient + (2 * next), g02);
        Add(gradient + (3 * next), g10);
        Add(gradient + (4 * next), g11);
        Add(gradient + (5 * next), g12);
        Add(gradient + (6 * next), g20);
        Add(gradient + (7 * next), g21);
        Add(gradient + (8 * next), g22);
        if (forward.Bias is not null)
            Add(call.Gradients.Bias + channel, biasGradient);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void AddAny<TLanes>(in DepthwiseConvGradientCall call, int channel)
        where TLanes : struct, ILanes<TLanes>
    {
        ref readonly DepthwiseConvCall forward = ref call.Forward;
        var exp = new ExpPolynomial<TLanes>(PolynomialCoefficients.Exp);
        int taps = forward.KernelSize * forward.KernelSize;
        for (int token = 0; token < forward.Height * forward.Width; token++)
        {
            TLanes s = TLanes.Load(call.Gradients.Output + (token * call.Gradients.OutputStride) + channel);
            if (!forward.SumsOnly)
            {
                TLanes sum = forward.Bias is null ? TLanes.Create(0f) : TLanes.Load(forward.Bias + channel);
                for (int tap = 0; tap < taps; tap++)
                {
                    int source = DepthwiseConv.Source(in forward, token, tap);
                    if (source >= 0)
                    {
                        TLanes weight = TLanes.Load(forward.Weights + (tap * forward.WeightStride) + channel);
                        sum = TLanes.MultiplyAdd(
                            weight, TLanes.Load(forward.Source + (source * forward.SourceStride) + channel), sum);
                    }
                }
                s *= VectorMath.SiluSlope(sum, in exp);
            }
            TLanes.Store(s, call.Scratch + (token * TLanes.Count));
            for (int tap = 0; tap < taps; tap++)
            {
                int source = DepthwiseConv.Source(in forward, token, tap);
                if (source >= 0)
                {
                    Add(
                        call.Gradients.Weight + (tap * forward.WeightStride) + channel,
                        s * TLanes.Load(forward.Source + (source * forward.SourceStride) + channel));
                }
            }
            if (forward.Bias is not null)
                Add(call.Gradients.Bias + channel, s);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<TLanes>(float* target, TLanes value)
        where TLanes : struct, ILanes<TLanes> => TLanes.Store(TLanes.Load(target) + value, target);
}
