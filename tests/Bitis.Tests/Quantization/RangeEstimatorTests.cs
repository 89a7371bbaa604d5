using Bitis.Quantization.Calibration;
using Bitis.Quantization.Estimators;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;

namespace Bitis.Tests.Quantization;

/// <summary>Statistics and the ranges that the methods make of them, against brute force.</summary>
public sealed class RangeEstimatorTests
{
    private const int Tokens = 5, Channels = 64, Images = 40;

    public static TheoryData<string, int> Cases
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (string kind in (string[])["normal", "silu", "outlier"])
            {
                foreach (int bits in (int[])[4, 6, 8])
                    data.Add(kind, bits);
            }
            return data;
        }
    }

    [Fact]
    public void Statistics_are_those_of_each_token_whatever_the_batches()
    {
        FloatTensor values = Values("outlier");
        SiteStatistics whole = Observe(values, Tokens, Images), split = Observe(values, Tokens, 7);
        for (int token = 0; token < Tokens; token++)
        {
            float[] expected = TokenValues(values, token);
            Assert.Equal(new ValueRange(expected.Min(), expected.Max()), whole.Range(token));
            Assert.Equal(whole.Range(token), split.Range(token));
            Assert.Equal(whole.Histogram(token).ToArray(), split.Histogram(token).ToArray());
            Assert.Equal(expected.Length, whole.Histogram(token).ToArray().Sum());
        }
        SiteStatistics tensor = Observe(values, 1, 9);
        Assert.Equal(values.Length, tensor.Histogram(0).ToArray().Sum());
    }

    [Fact]
    public void A_value_that_is_no_number_is_refused_with_the_site()
    {
        var values = new FloatTensor([1, 2, 3]);
        values.Span[4] = float.NaN;
        var e = Assert.Throws<BitisException>(() => new SiteStatistics("layers.1.norm.input", 2).ObserveRange(values));
        Assert.StartsWith("layers.1.norm.input", e.Message);
    }

    [Fact]
    public void All_values_are_kept_of_vectors_tokens_and_maps()
    {
        foreach (Shape shape in (Shape[])[[2, 12], [2, 3, 4], [2, 2, 2, 3]])
        {
            FloatTensor values = FloatTensor.From(shape, [.. Enumerable.Range(0, 24).Select(i => (float)i)]);
            var whole = new SiteStatistics("site", groups: 1);
            whole.Keep(values);
            Assert.Equal(values.Span.ToArray(), whole.Values(0).SelectMany(row => row.ToArray()));
            int tokens = values.Length / (shape[0] * shape[^1]);
            var split = new SiteStatistics("site", tokens);
            split.Keep(values);
            IEnumerable<float> kept = Enumerable.Range(0, tokens)
                .SelectMany(token => split.Values(token)).SelectMany(row => row.ToArray());
            Assert.Equal(values.Span.ToArray(), kept.Order());
        }
    }

    [Fact]
    public void Constant_values_make_a_usable_grid()
    {
        var values = new FloatTensor([2, 3, 4]);
        values.Span.Fill(1.5f);
        SiteStatistics statistics = Observe(values, 1, 1);
        statistics.Keep(values);
        foreach (string method in QuantizationMethod.Names)
        {
            ValueRange range = Estimator(method).ActivationRange(statistics, 0, 8);
            UniformQuantizer quantizer = UniformQuantizer.ForRanges(8, Granularity.PerTensor, [range]);
            Assert.Equal(1.5, quantizer.Dequantize(quantizer.Quantize(1.5f, 0), 0), 0.01);
        }
    }

    [Theory]
    [InlineData(99.0)]
    [InlineData(99.9)]
    [InlineData(100.0)]
    public void Percentiles_are_those_of_the_sorted_values_up_to_a_bin(double percentile)
    {
        FloatTensor values = Values("silu");
        SiteStatistics statistics = Observe(values, 1, Images);
        var settings = new PercentileSettings { Percentile = percentile };
        var recipe = new Recipe { Method = "percentile", Settings = settings };
        ValueRange range = recipe.CreateEstimator().ActivationRange(statistics, 0, 8);
        float[] sorted = [.. values.Span.ToArray().Order()];
        int clipped = (int)(sorted.Length * (1 - percentile / 100));
        float bin = (sorted[^1] - sorted[0]) / SiteStatistics.Bins;
        Assert.InRange(range.Low, sorted[clipped] - 2 * bin, sorted[clipped] + 2 * bin);
        Assert.InRange(range.High, sorted[^(clipped + 1)] - 2 * bin, sorted[^(clipped + 1)] + 2 * bin);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_least_squares_range_is_as_good_as_any(string kind, int bits)
    {
        FloatTensor values = Values(kind);
        SiteStatistics statistics = Observe(values, 1, Images);
        double mse = TrueError(values, bits, Estimator("mse").ActivationRange(statistics, 0, bits));
        double minmax = TrueError(values, bits, Estimator("minmax").ActivationRange(statistics, 0, bits));
        Assert.True(mse <= 1.01 * minmax, $"{mse} against {minmax}");
        // Both ends at once, coarsely: searching them in turn must not end in a worse place.
        ValueRange full = statistics.Range(0);
        double grid = Enumerable.Range(1, 20 * 20).Min(k => TrueError(
            values, bits, new ValueRange(full.Low * (k / 20 + 1) / 21, full.High * (k % 20 + 1) / 21)));
        Assert.True(mse <= 1.01 * grid, $"{mse} against {grid} on the grid");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_least_squares_magnitude_is_the_best_of_its_candidates(string kind, int bits)
    {
        float[] weights = Values(kind).Span[..203].ToArray();
        float largest = weights.Max(Math.Abs), chosen = Estimator("mse").WeightMagnitude(weights, bits);
        double best = Enumerable.Range(1, 100).Min(k => TrueError(weights, bits, largest * k / 100));
        Assert.InRange(TrueError(weights, bits, chosen), best, best * 1.0001);
        Assert.Equal(largest, Estimator("minmax").WeightMagnitude(weights, bits));
    }

    private static IRangeEstimator Estimator(string method) => new Recipe { Method = method }.CreateEstimator();

    private static double TrueError(FloatTensor values, int bits, ValueRange range)
    {
        UniformQuantizer quantizer = UniformQuantizer.ForRanges(bits, Granularity.PerTensor, [range]);
        return values.Span.ToArray().Sum(x => Math.Pow(x - quantizer.Dequantize(quantizer.Quantize(x, 0), 0), 2));
    }

    private static double TrueError(float[] weights, int bits, float magnitude)
    {
        UniformQuantizer quantizer = UniformQuantizer.Symmetric(
            bits, Granularity.PerChannel, [UniformQuantizer.SymmetricScale(bits, magnitude)]);
        return weights.Sum(x => Math.Pow(x - quantizer.Dequantize(quantizer.Quantize(x, 0), 0), 2));
    }

    private static SiteStatistics Observe(FloatTensor values, int groups, int batch)
    {
        var statistics = new SiteStatistics("site", groups);
        FloatTensor[] batches = [.. Batches(values, batch)];
        foreach (FloatTensor tensor in batches)
            statistics.ObserveRange(tensor);
        foreach (FloatTensor tensor in batches)
            statistics.ObserveHistogram(tensor);
        return statistics;
    }

    private static IEnumerable<FloatTensor> Batches(FloatTensor values, int size)
    {
        int image = values.Length / values.Shape[0];
        for (int start = 0; start < values.Shape[0]; start += size)
        {
            int count = Math.Min(size, values.Shape[0] - start);
            yield return FloatTensor.From(
                [count, .. values.Shape.Sizes[1..]], values.Span.Slice(start * image, count * image));
        }
    }

    private static float[] TokenValues(FloatTensor values, int token) =>
        [.. values.Span.ToArray().Where((_, i) => i / Channels % Tokens == token)];

    /// <summary>Activations <c>[images, tokens, channels]</c> of the kinds that a Mamba block has.</summary>
    private static FloatTensor Values(string kind)
    {
        var random = new SeededRandom(4);
        var values = new FloatTensor([Images, Tokens, Channels]);
        for (int i = 0; i < values.Length; i++)
        {
            double x = random.NextNormal();
            values.Span[i] = (float)(kind switch
            {
                "silu" => 2 * x / (1 + Math.Exp(-2 * x)),
                "outlier" when i % 1999 == 7 => 40 * x,
                _ => x,
            });
        }
        return values;
    }
}
