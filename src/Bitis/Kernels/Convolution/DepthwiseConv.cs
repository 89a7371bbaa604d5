using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Convolution;

/// <summary>
/// The depthwise convolution before the scans of a VMamba or LocalVMamba block, with bias and activation.
/// </summary>
/// <remarks>
/// Tokens lie on a grid row by row, and zeros surround the grid:
/// <code>
/// y_(i,j) = silu(bias + Σ_(m,n) w[m,n]·x_(i+m−K/2, j+n−K/2))
/// </code>
/// In a quantized layer, w and x are levels: whole numbers, whose sums are exact in float32. The sum is multiplied by a
/// scale for each channel. Channels are independent, so work is split over them.
/// </remarks>
internal abstract unsafe class DepthwiseConv : ILanesOperation<RangeKernel<DepthwiseConvCall>>
{
    /// <summary>The side of the filter in all published models.</summary>
    internal const int UsualKernelSize = 3;

    /// <summary>The forms of this operation.</summary>
    public static KernelTable<RangeKernel<DepthwiseConvCall>> Table { get; } =
        KernelTable<RangeKernel<DepthwiseConvCall>>.ForLanes<DepthwiseConv>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static RangeKernel<DepthwiseConvCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32-depthwiseconv", instructionSet, &Run<TLanes>);

    /// <summary>
    /// Convolves the channels from <paramref name="channelStart"/> to before <paramref name="channelEnd"/>. Multiples
    /// of 16 are fastest.
    /// </summary>
    public static void Run(in DepthwiseConvCall call, int channelStart, int channelEnd) =>
        Table.Best.Run(in call, channelStart, channelEnd);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in DepthwiseConvCall call, int channelStart, int channelEnd)
        where TLanes : struct, ILanes<TLanes>
    {
        int channel = channelStart;
        for (; channel + TLanes.Count <= channelEnd; channel += TLanes.Count)
            Convolve<TLanes>(in call, channel);
        for (; channel < channelEnd; channel++)
            Convolve<Lane1>(in call, channel);
    }

    /// <summary>One register of channels over the whole grid.</summary>
    public static void Convolve<TLanes>(in DepthwiseConvCall call, int channel)
        where TLanes : struct, ILanes<TLanes>
    {
        if (call.KernelSize != UsualKernelSize)
            ConvolveAny<TLanes>(in call, channel);
        else if (call.SumsOnly)
            Slide<TLanes, Off>(in call, channel);
        else
            Slide<TLanes, On>(in call, channel);
    }

    /// <summary>Computes the usual case of a 3×3 filter.</summary>
    /// <remarks>
    /// The nine weights stay in registers. The values under them move on from column to column. So each value is loaded
    /// three times, once for each row of the filter:
    /// <code>
    ///   a0 a1 a2 ◄ row above     w00 w01 w02
    ///   b0 b1 b2 ◄ row itself    w10 w11 w12
    ///   c0 c1 c2 ◄ row below     w20 w21 w22
    /// </code>
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Slide<TLanes, TActivation>(in DepthwiseConvCall call, int channel)
        where TLanes : struct, ILanes<TLanes>
        where TActivation : struct, ISwitch
    {
        var exp = new ExpPolynomial<TLanes>(PolynomialCoefficients.Exp);
        float* weights = call.Weights + channel;
        nint next = call.WeightStride;
        TLanes w00 = TLanes.Load(weights), w01 = TLanes.Load(weights + next), w02 = TLanes.Load(weights + (2 * next));
        TLanes w10 = TLanes.Load(weights + (3 * next)), w11 = TLanes.Load(weights + (4 * next));
        TLanes w12 = TLanes.Load(weights + (5 * next));
        TLanes w20 = TLanes.Load(weights + (6 * next)), w21 = TLanes.Load(weights + (7 * next));
        TLanes w22 = TLanes.Load(weights + (8 * next));
        TLanes zero = TLanes.Create(0f), bias = call.Bias is null ? zero : TLanes.Load(call.Bias + channel);
        bool hasScales = call.Scales is not null;
        TLanes scale = hasScales ? TLanes.Load(call.Scales + channel) : bias, start = hasScales ? zero : bias;
        nint stride = call.SourceStride;
        DepthwiseConvCopy* copies = call.Copies;
        int width = call.Width, copyCount = call.CopyCount;
        for (int row = 0; row < call.Height; row++)
        {
            bool hasAbove = row > 0, hasBelow = row + 1 < call.Height;
            float* source = call.Source + ((nint)row * width * stride) + channel;
            float* above = hasAbove ? source - (width * stride) : source;
            float* below = hasBelow ? source + (width * stride) : source;
            float* target = call.Target + ((nint)row * width * call.TargetStride) + channel;
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
                TLanes upper = TLanes.MultiplyAdd(w02, a2, TLanes.MultiplyAdd(w01, a1, w00 * a0));
                TLanes middle = TLanes.MultiplyAdd(
                    w12, b2, TLanes.MultiplyAdd(w11, b1, TLanes.MultiplyAdd(w10, b0, start)));
                TLanes lower = TLanes.MultiplyAdd(w22, c2, TLanes.MultiplyAdd(w21, c1, w20 * c0));
                TLanes sum = middle + (upper + lower);
                if (hasScales)
                    sum = (sum * scale) + bias;
                if (TActivation.IsOn)
                    sum = VectorMath.Silu(sum, in exp);
                if (call.Accumulate)
                    sum = TLanes.Load(target) + sum;
                TLanes.Store(sum, target);
                target += call.TargetStride;
                StoreCopies(copies, copyCount, sum, (row * width) + column, channel);
                (a0, a1, b0, b1, c0, c1) = (a1, a2, b1, b2, c1, c2);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ConvolveAny<TLanes>(in DepthwiseConvCall call, int channel)
        where TLanes : struct, ILanes<TLanes>
    {
        var exp = new ExpPolynomial<TLanes>(PolynomialCoefficients.Exp);
        for (int token = 0; token < call.Height * call.Width; token++)
        {
            TLanes bias = call.Bias is null ? TLanes.Create(0f) : TLanes.Load(call.Bias + channel);
            TLanes sum = call.Scales is null ? bias : TLanes.Create(0f);
            for (int tap = 0; tap < call.KernelSize * call.KernelSize; tap++)
            {
                int source = Source(in call, token, tap);
                if (source >= 0)
                {
                    TLanes weight = TLanes.Load(call.Weights + (tap * call.WeightStride) + channel);
                    sum = TLanes.MultiplyAdd(
                        weight, TLanes.Load(call.Source + (source * call.SourceStride) + channel), sum);
                }
            }
            if (call.Scales is not null)
                sum = (sum * TLanes.Load(call.Scales + channel)) + bias;
            if (!call.SumsOnly)
                sum = VectorMath.Silu(sum, in exp);
            float* target = call.Target + (token * call.TargetStride) + channel;
            if (call.Accumulate)
                sum = TLanes.Load(target) + sum;
            TLanes.Store(sum, target);
            StoreCopies(call.Copies, call.CopyCount, sum, token, channel);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreCopies<TLanes>(DepthwiseConvCopy* copies, int count, TLanes value, int token, int channel)
        where TLanes : struct, ILanes<TLanes>
    {
        for (DepthwiseConvCopy* copy = copies; copy < copies + count; copy++)
            TLanes.Store(value, copy->Target + copy->Offsets[token] + channel);
    }

    /// <summary>The token that a tap of the filter sees from a token; -1 outside of the grid.</summary>
    public static int Source(in DepthwiseConvCall call, int token, int tap)
    {
        int row = (token / call.Width) + (tap / call.KernelSize) - (call.KernelSize / 2);
        int column = (token % call.Width) + (tap % call.KernelSize) - (call.KernelSize / 2);
        return row >= 0 && row < call.Height && column >= 0 && column < call.Width ? (row * call.Width) + column : -1;
    }
}
