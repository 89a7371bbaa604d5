using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Kernels.Convolution;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Normalization;
using Bitis.Kernels.Rounding;
using Bitis.Tensors;

namespace Bitis.Tests.Kernels;

/// <summary>The depthwise convolution over a grid, forward and reverse, in all forms.</summary>
public sealed unsafe class DepthwiseConvTests
{
    public static TheoryData<int, int, int, int> Shapes => new()
    {
        { 1, 1, 3, 1 },
        { 1, 5, 3, 17 },
        { 4, 1, 3, 16 },
        { 5, 7, 3, 37 },
        { 3, 4, 5, 33 },
        { 2, 3, 1, 20 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Every_form_equals_the_operator_and_all_forms_agree_bit_for_bit(int height, int width, int kernel, int channels)
    {
        var layer = new DepthwiseConv2d(channels, height, width, kernel, HasBias: true);
        float[] x = Sample.Floats(1, height * width * channels), w = Sample.Floats(2, kernel * kernel * channels), bias = Sample.Floats(3, channels);
        Tensor sums = layer.Forward(
            [Tensor.From([1, height * width, channels], x)], [Tensor.From([channels, 1, kernel, kernel], w), Tensor.From([channels], bias)]);
        Tensor expected = new Silu().Forward([sums], []);
        Tensor columns = ArrangeTokens.ByColumn(height, width).Forward([expected], []);
        int[]? first = null;
        foreach (DepthwiseConvKernel form in DepthwiseConv.Table.Runnable)
        {
            (float[] y, float[] transposed, float[] padded) = Run(form, layer, x, w, bias, 0, channels);
            for (int i = 0; i < y.Length; i++)
            {
                Assert.True(Math.Abs(y[i] - expected.Span[i]) <= 5e-6, $"{form} at {i}: {y[i]}, not {expected.Span[i]}");
                Assert.True(Math.Abs(transposed[i] - columns.Span[i]) <= 5e-6, $"{form}, columns, at {i}: {transposed[i]}, not {columns.Span[i]}");
                Assert.Equal(y[i], padded[PaddedRow(i / channels) * channels + i % channels]);
            }
            first ??= Sample.Bits(y);
            Assert.Equal(first, Sample.Bits(y));
            Assert.Equal(first, Sample.Bits(Run(form, layer, x, w, bias, 0, channels / 3, channels).Rows));
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Sums_of_levels_are_exact_and_scaled_by_channel(int height, int width, int kernel, int channels)
    {
        var layer = new DepthwiseConv2d(channels, height, width, kernel, HasBias: true);
        float[] x = Sample.Levels(1, height * width * channels, -200, 255), w = Sample.Levels(2, kernel * kernel * channels, -127, 127);
        float[] scales = Sample.Floats(4, channels, 1e-4f, 1e-3f), bias = Sample.Floats(3, channels);
        var values = new float[x.Length];
        for (int i = 0; i < values.Length; i++)
        {
            int sum = 0, channel = i % channels;
            for (int tap = 0; tap < kernel * kernel; tap++)
                sum += layer.Source(i / channels, tap) is { } source ? (int)w[channel * kernel * kernel + tap] * (int)x[source * channels + channel] : 0;
            float product = sum * scales[channel];
            values[i] = product + bias[channel];
        }
        int[] expected = Sample.Bits(Sample.Silu(values));
        foreach (DepthwiseConvKernel form in DepthwiseConv.Table.Runnable)
            Assert.Equal(expected, Sample.Bits(Run(form, layer, x, w, scales, bias, 0, channels).Rows));
    }

    [Theory]
    [InlineData(1, 1, 3, 3, false)]
    [InlineData(3, 4, 3, 18, false)]
    [InlineData(2, 3, 3, 17, true)]
    [InlineData(3, 2, 5, 17, false)]
    public void Every_reverse_form_equals_finite_differences_in_float64(int height, int width, int kernel, int channels, bool sumsOnly)
    {
        var grid = new DepthwiseConv2d(channels, height, width, kernel, HasBias: true);
        int tokens = height * width, taps = kernel * kernel;
        float[] x = Sample.Floats(1, tokens * channels), w = Sample.Floats(2, taps * channels), bias = Sample.Floats(3, channels);
        float[] outputs = Sample.Floats(4, x.Length);
        double[] xs = Doubles(x), ws = Doubles(w), biases = Doubles(bias);
        double[] xExpected = NumericalGradient.Of(point => Loss(point, ws, biases), x);
        double[] wExpected = NumericalGradient.Of(point => Loss(xs, point, biases), w);
        double[] biasExpected = NumericalGradient.Of(point => Loss(xs, ws, point), bias);
        foreach (DepthwiseConvKernel form in DepthwiseConv.Table.Runnable)
        {
            foreach (bool accumulate in new[] { false, true })
            {
                float[] xGradient = new float[x.Length], wGradient = new float[w.Length], biasGradient = new float[channels];
                float[] scratch = new float[DepthwiseConvGradient.ScratchLength(tokens)];
                Array.Fill(xGradient, 1f);
                fixed (float* xp = x, wp = w, bp = bias, yp = outputs, xg = xGradient, wg = wGradient, bg = biasGradient, sp = scratch)
                {
                    DepthwiseConvCall forward = Call(grid, xp, wp, bp);
                    forward.SumsOnly = sumsOnly;
                    var call = new DepthwiseConvGradientCall
                    {
                        Forward = forward,
                        Gradients = new LayerGradients
                        {
                            Output = yp,
                            OutputStride = channels,
                            Source = xg,
                            SourceStride = channels,
                            AccumulateSource = accumulate,
                            Weight = wg,
                            Bias = bg,
                        },
                        Scratch = sp,
                    };
                    form.Backward(in call, channels);
                }
                double before = accumulate ? 1 : 0;
                NumericalGradient.AssertClose(Array.ConvertAll(xExpected, value => value + before), xGradient, $"{form}, x");
                NumericalGradient.AssertClose(wExpected, wGradient, $"{form}, w");
                NumericalGradient.AssertClose(biasExpected, biasGradient, $"{form}, b");
            }
        }

        // Weights are packed here, [taps, channels].
        double Loss(double[] x, double[] w, double[] b)
        {
            double loss = 0;
            for (int i = 0; i < x.Length; i++)
            {
                int token = i / channels, c = i % channels;
                double sum = b[c];
                for (int tap = 0; tap < taps; tap++)
                {
                    if (grid.Source(token, tap) is { } source)
                        sum += w[(tap * channels) + c] * x[(source * channels) + c];
                }
                loss += outputs[i] * (sumsOnly ? sum : sum / (1 + Math.Exp(-sum)));
            }
            return loss;
        }
    }

    /// <summary>An order that leaves rows out: what windows over the grid's edge do.</summary>
    private static int PaddedRow(int token) => 2 * token + 1;

    private static (float[] Rows, float[] Columns, float[] Padded) Run(DepthwiseConvKernel form, DepthwiseConv2d layer, float[] x, float[] w, float[] bias, params int[] cuts) =>
        Run(form, layer, x, w, scales: null, bias, cuts);

    private static (float[] Rows, float[] Columns, float[] Padded) Run(
        DepthwiseConvKernel form, DepthwiseConv2d layer, float[] x, float[] w, float[]? scales, float[] bias, params int[] cuts)
    {
        var packed = new float[w.Length];
        CausalConv.PackWeights(w, packed, layer.Channels, layer.KernelSize * layer.KernelSize);
        using var source = new GuardedBuffer<float>(x);
        using var weights = new GuardedBuffer<float>(packed);
        using var biases = new GuardedBuffer<float>(bias);
        using var factors = new GuardedBuffer<float>(scales ?? []);
        using var target = new GuardedBuffer<float>(x.Length);
        int tokens = layer.Height * layer.Width;
        using var transposed = new GuardedBuffer<float>(x.Length);
        using var padded = new GuardedBuffer<float>(2 * x.Length);
        using var columns = NativeBuffer<int>.Of([.. ArrangeTokens.ByColumn(layer.Height, layer.Width).Inverse(tokens).Sources.Select(row => row * layer.Channels)]);
        using var rows = NativeBuffer<int>.Of([.. Enumerable.Range(0, tokens).Select(token => PaddedRow(token) * layer.Channels)]);
        DepthwiseConvCopy* copies = stackalloc DepthwiseConvCopy[]
        {
            new() { Target = transposed.Pointer, Offsets = columns.Pointer },
            new() { Target = padded.Pointer, Offsets = rows.Pointer },
        };
        DepthwiseConvCall call = Call(layer, source.Pointer, weights.Pointer, biases.Pointer);
        call.Scales = scales is null ? null : factors.Pointer;
        call.Target = target.Pointer;
        call.TargetStride = layer.Channels;
        call.Copies = copies;
        call.CopyCount = 2;
        for (int i = 1; i < cuts.Length; i++)
            form.Run(in call, cuts[i - 1], cuts[i]);
        return (target.Span.ToArray(), transposed.Span.ToArray(), padded.Span.ToArray());
    }

    private static DepthwiseConvCall Call(DepthwiseConv2d layer, float* x, float* w, float* bias) => new()
    {
        Height = layer.Height,
        Width = layer.Width,
        Kernel = layer.KernelSize,
        Source = x,
        SourceStride = layer.Channels,
        Weights = w,
        WeightStride = layer.Channels,
        Bias = bias,
    };

    private static double[] Doubles(float[] values) => Array.ConvertAll(values, value => (double)value);
}
