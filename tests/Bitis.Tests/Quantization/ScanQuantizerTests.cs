using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Scans;

namespace Bitis.Tests.Quantization;

/// <summary>The grids of discrete parameters and hidden states, and the groups of tokens.</summary>
public sealed class ScanQuantizerTests
{
    [Fact]
    public void LtSQ_has_the_levels_of_the_paper()
    {
        DecayQuantizer quantizer = DecayQuantizer.LongTailed(bits: 3);
        Assert.Equal([0, 0.5, 0.75, 0.875, 0.9375], Enumerable.Range(0, 5).Select(quantizer.Dequantize));
        // The level changes where 1 − Ā = 2^−(q + ½).
        double edge = 1 - Math.Pow(2, -2.5);
        Assert.Equal((2, 3), (quantizer.Quantize(edge - 1e-9), quantizer.Quantize(edge + 1e-9)));
        Assert.Equal((0, 7), (quantizer.Quantize(0), quantizer.Quantize(1)));
    }

    [Theory]
    [InlineData(4, 2, 0.5)]
    [InlineData(6, 4, 1.0)]
    [InlineData(8, 16, 0.75)]
    public void A_finer_grid_has_levels_in_proportion_to_the_distance_from_1(
        int bits, int levelsPerOctave, double scale)
    {
        DecayQuantizer quantizer = DecayQuantizer.LongTailed(bits, levelsPerOctave, scale);
        double step = Math.Pow(2, 0.5 / levelsPerOctave);
        for (int level = 0; level < 1 << bits; level++)
        {
            double value = quantizer.Dequantize(level),
                distance = scale * Math.Pow(2, -(double)level / levelsPerOctave);
            Assert.Equal(1 - distance, value, 1e-12);
            Assert.Equal(level, quantizer.Quantize(value));
            double between = 1 - (distance * step * 0.999);
            if (between > 0 && level > 0)
                Assert.Equal(level, quantizer.Quantize(between));
        }
    }

    [Fact]
    public void Uniform_levels_cover_their_range()
    {
        DecayQuantizer quantizer = DecayQuantizer.Uniform(4, 0.25, 1);
        Assert.Equal((0.25, 1), (quantizer.Dequantize(0), quantizer.Dequantize(15)));
        Assert.Equal((0, 0, 15), (quantizer.Quantize(0), quantizer.Quantize(0.27), quantizer.Quantize(1)));
    }

    [Theory]
    [InlineData(DecaySpacing.Uniform, 1, 0, 0.5, 0)]
    [InlineData(DecaySpacing.Uniform, 9, 0, 0.5, 0)]
    [InlineData(DecaySpacing.LongTailed, 4, 65, 1, 0)]
    [InlineData(DecaySpacing.LongTailed, 4, 0, 1, 0)]
    [InlineData(DecaySpacing.Logarithmic, 4, 1, double.NaN, 0)]
    [InlineData(DecaySpacing.Uniform, 4, 0, 0.1, -0.5)]
    [InlineData((DecaySpacing)3, 4, 0, 0.1, 0)]
    public void Grids_that_cannot_be_are_refused(
        DecaySpacing grid, int bits, int levelsPerOctave, double scale, double lowest) =>
        Assert.Throws<InvalidOperationException>(
            new DecayQuantizer(grid, bits, levelsPerOctave, scale, lowest).Validate);

    [Theory]
    [InlineData(4)]
    [InlineData(8)]
    public void Levels_before_the_softplus_lie_close_where_time_steps_are_small(int bits)
    {
        DeltaQuantizer quantizer = DeltaQuantizer.BeforeSoftplus(bits, 8f / ((1 << bits) - 1), lowest: -7);
        for (int level = 0; level <= quantizer.MaxLevel; level++)
        {
            double x = -7 + (level * 8.0 / quantizer.MaxLevel);
            Assert.Equal(level, quantizer.Quantize((float)x));
            Assert.Equal(Math.Log(1 + Math.Exp(x)), quantizer.Dequantize(level), (0.5 * quantizer.Unit) + 1e-6);
        }
        Assert.Equal((0, quantizer.MaxLevel), (quantizer.Quantize(-100), quantizer.Quantize(100)));
    }

    [Fact]
    public void Levels_after_the_softplus_are_evenly_spaced_from_0()
    {
        DeltaQuantizer quantizer = DeltaQuantizer.AfterSoftplus(4, 0.25f);
        Assert.Equal([0, 0.25, 0.5], Enumerable.Range(0, 3).Select(quantizer.Dequantize));
        Assert.Equal((0, 2, 15), (quantizer.Quantize(0.1f), quantizer.Quantize(0.4f), quantizer.Quantize(9)));
        foreach (float scale in (float[])[0, -1, float.NaN, float.PositiveInfinity])
            Assert.Throws<ArgumentException>(() => DeltaQuantizer.AfterSoftplus(4, scale));
    }

    [Fact]
    public void Groups_of_equal_length_cover_all_tokens()
    {
        Assert.Equal([0, 2, 5, 7], TimeGroups.Equal(10, 4));
        Assert.Equal([0, 1, 2], TimeGroups.Equal(3, 8));
        Assert.Equal([0], TimeGroups.Equal(197, 1));
    }

    [Theory]
    [InlineData(9, 3)]
    [InlineData(8, 1)]
    [InlineData(7, 7)]
    [InlineData(10, 4)]
    public void Optimal_groups_are_the_best_of_all(int tokens, int groups)
    {
        var random = new Random(tokens + groups);
        float[] ranges = [.. Enumerable.Range(0, tokens).Select(_ => random.NextSingle() * 3)];
        double best = Divisions(tokens, groups).Min(starts => Cost(ranges, starts));
        int[] found = TimeGroups.Optimal(ranges, groups);
        Assert.Equal(groups, found.Length);
        Assert.Equal(best, Cost(ranges, found), 1e-9);
    }

    [Fact]
    public void A_step_in_the_ranges_is_where_a_group_begins() =>
        Assert.Equal([0, 3, 6], TimeGroups.Optimal([0.1f, 0.1f, 0.1f, 2, 2, 2, 9, 9], 3));

    [Fact]
    public void Hidden_state_grids_know_the_group_of_each_token_and_refuse_bad_groups()
    {
        var quantizer = new HiddenStateQuantizer(4, tokens: 6, [0, 2, 5], [1, 2, 3], [1]);
        Assert.Equal([0, 0, 1, 1, 1, 2], Enumerable.Range(0, 6).Select(quantizer.GroupOf));
        foreach (int[] starts in (int[][])[[], [1, 2, 5], [0, 5, 5], [0, 2, 6], [0, 2]])
            Assert.Throws<ArgumentException>(() => new HiddenStateQuantizer(4, 6, starts, [1, 2, 3], [1]));
        foreach (float scale in (float[])[0, -1, float.NaN, float.PositiveInfinity])
            Assert.Throws<ArgumentException>(() => new HiddenStateQuantizer(4, 6, [0, 2, 5], [1, 2, 3], [scale]));
    }

    [Fact]
    public void Codes_of_decays_are_eighths_of_octaves()
    {
        Assert.Equal(0, QuantizedScan.RateCode(MathF.Log(MathF.Log(2)))); // A = −ln 2: −log₂ exp(A) = 1
        Assert.Equal(8, QuantizedScan.RateCode(MathF.Log(2 * MathF.Log(2))));
        Assert.Equal(sbyte.MaxValue, QuantizedScan.RateCode(1000));

        // And back: A_log within half a step.
        using var sample = new IntegerScanCase(Tokens: 1, Channels: 3, States: 5, Bits: 8, Groups: 1);
        FloatTensor rates = sample.CreateScan().DequantizeRates([3, 5]);
        for (int i = 0; i < rates.Length; i++)
        {
            Assert.Equal(sample.ALog.Span[i], rates.Span[i], Math.Log(2) / 16 + 1e-6);
            Assert.Equal(sample.CreateScan().RateCodes[i], QuantizedScan.RateCode(rates.Span[i]));
        }
    }

    private static double Cost(float[] ranges, int[] starts) => starts
        .Select((start, g) => (start, end: g + 1 < starts.Length ? starts[g + 1] : ranges.Length))
        .Sum(group => (group.end - group.start) * Math.Pow(ranges[group.start..group.end].Max(), 2));

    private static IEnumerable<int[]> Divisions(int tokens, int groups)
    {
        for (int bits = 0; bits < 1 << (tokens - 1); bits++)
        {
            int[] starts = [0, .. Enumerable.Range(1, tokens - 1).Where(t => (bits >> (t - 1) & 1) != 0)];
            if (starts.Length == groups)
                yield return starts;
        }
    }
}
