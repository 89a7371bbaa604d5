using Bitis.Kernels.Normalization;

namespace Bitis.Tests.Kernels;

public sealed unsafe class GroupNormalizationTests
{
    private const float Epsilon = 1e-3f;

    public static TheoryData<int, int, int> Shapes => new()
    {
        { 1, 2, 1 }, { 3, 16, 8 }, { 6, 40, 4 }, { 9, 15, 5 }, { 7, 33, 1 }, { 5, 6, 6 }, { 64, 32, 8 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Every_form_equals_the_formula_in_float64_and_all_give_the_same_bits(int rows, int columns, int groups)
    {
        float[] x = Sample.Floats(1, rows * columns, -2, 3), w = Sample.Floats(2, columns), bias = Sample.Floats(3, columns);
        double[] expected = Normalize(Doubles(x), Doubles(w), Doubles(bias), rows, columns, groups);
        int[]? first = null;
        foreach (GroupNormalizationKernel kernel in GroupNormalization.Table.Runnable)
        {
            using GuardedBuffer<float> source = new(x), weight = new(w), offset = new(bias), statistics = new(2 * columns);
            GroupNormalizationCall call = Call(rows, columns, groups, source.Pointer, source.Pointer, weight.Pointer, offset.Pointer, statistics.Pointer);
            kernel.Run(in call); // in place
            NumericalGradient.AssertClose(expected, source.Span, $"{kernel}");
            int[] bits = Sample.Bits(source.Span);
            first ??= bits;
            Assert.Equal(first, bits);
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Every_form_of_the_reverse_pass_equals_finite_differences_in_float64(int rows, int columns, int groups)
    {
        float[] x = Sample.Floats(1, rows * columns), w = Sample.Floats(2, columns), bias = Sample.Floats(3, columns), y = Sample.Floats(4, rows * columns);
        double[] xs = Doubles(x), ws = Doubles(w), biases = Doubles(bias);
        double[] xExpected = NumericalGradient.Of(point => Loss(point, ws, biases), x);
        double[] wExpected = NumericalGradient.Of(point => Loss(xs, point, biases), w);
        double[] biasExpected = NumericalGradient.Of(point => Loss(xs, ws, point), bias);
        foreach (GroupNormalizationGradientKernel kernel in GroupNormalizationGradient.Table.Runnable)
        {
            foreach (bool accumulate in new[] { false, true })
            {
                using GuardedBuffer<float> source = new(x), weight = new(w), offset = new(bias), statistics = new(2 * columns), gradient = new(y);
                using GuardedBuffer<float> xGradient = new([.. Enumerable.Repeat(1f, x.Length)]), wGradient = new(columns), biasGradient = new(columns);
                using GuardedBuffer<float> target = new(x.Length), sums = new(2 * columns);
                wGradient.Span.Clear();
                biasGradient.Span.Clear();
                var call = new GroupNormalizationGradientCall
                {
                    Forward = Call(rows, columns, groups, source.Pointer, target.Pointer, weight.Pointer, offset.Pointer, statistics.Pointer),
                    Gradients = new LayerGradients
                    {
                        Output = gradient.Pointer,
                        OutputStride = columns,
                        Source = xGradient.Pointer,
                        SourceStride = columns,
                        AccumulateSource = accumulate,
                        Weight = wGradient.Pointer,
                        Bias = biasGradient.Pointer,
                    },
                    Sums = sums.Pointer,
                };
                GroupNormalization.Run(in call.Forward);
                kernel.Run(in call);
                double before = accumulate ? 1 : 0;
                NumericalGradient.AssertClose(Array.ConvertAll(xExpected, value => value + before), xGradient.Span, $"{kernel}, x");
                NumericalGradient.AssertClose(wExpected, wGradient.Span, $"{kernel}, w");
                NumericalGradient.AssertClose(biasExpected, biasGradient.Span, $"{kernel}, b");
            }
        }

        double Loss(double[] x, double[] w, double[] b) =>
            Normalize(x, w, b, rows, columns, groups).Zip(y, (value, gradient) => value * gradient).Sum();
    }

    private static GroupNormalizationCall Call(
        int rows, int columns, int groups, float* source, float* target, float* weight, float* bias, float* statistics) => new()
        {
            Rows = rows,
            Columns = columns,
            Groups = groups,
            Source = source,
            SourceStride = columns,
            Target = target,
            TargetStride = columns,
            Weight = weight,
            Bias = bias,
            Epsilon = Epsilon,
            Statistics = statistics,
        };

    private static double[] Normalize(double[] x, double[] w, double[] b, int rows, int columns, int groups)
    {
        var y = new double[x.Length];
        int width = columns / groups;
        for (int group = 0; group < groups; group++)
        {
            int[] members = [.. Enumerable.Range(0, rows * width).Select(i => (i / width * columns) + (group * width) + (i % width))];
            double mean = members.Average(i => x[i]), scale = 1 / Math.Sqrt(members.Average(i => (x[i] - mean) * (x[i] - mean)) + Epsilon);
            foreach (int i in members)
                y[i] = ((x[i] - mean) * scale * w[i % columns]) + b[i % columns];
        }
        return y;
    }

    private static double[] Doubles(float[] values) => Array.ConvertAll(values, value => (double)value);
}
