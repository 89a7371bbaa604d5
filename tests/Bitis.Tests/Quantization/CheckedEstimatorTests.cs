using Bitis.Quantization.Calibration;
using Bitis.Quantization.Estimators;

namespace Bitis.Tests.Quantization;

public sealed class CheckedEstimatorTests
{
    [Theory]
    [InlineData(float.NaN, 1, 1, "from NaN to 1")]
    [InlineData(0, float.PositiveInfinity, 1, "from 0 to Infinity")]
    [InlineData(2, 1, 1, "from 2 to 1")]
    [InlineData(0, 1, -1, "the magnitude -1")]
    [InlineData(0, 1, float.NaN, "the magnitude NaN")]
    public void Ranges_that_no_grid_covers_are_refused(float low, float high, float magnitude, string expected)
    {
        var estimator = new CheckedEstimator("estimator 'mine'", new Fixed(new ValueRange(low, high), magnitude));
        string message = Assert.Throws<BitisException>(() => Ask(estimator)).Message;
        Assert.StartsWith("The estimator 'mine' gave", message, StringComparison.Ordinal);
        Assert.Contains(expected, message);
    }

    [Fact]
    public void What_an_estimator_throws_comes_as_it_is()
    {
        RangeEstimatorKind.Register(RangeEstimatorKind.Create("test-late", "never", () => new Late()));
        var recipe = new Recipe { Method = "minmax", Estimator = new("test-late") };
        Assert.Throws<TimeoutException>(() => MicroModel.Quantize(MicroModel.Load(), recipe));
    }

    [Fact]
    public void An_estimator_that_needs_no_values_is_its_own_without_them()
    {
        var estimator = new CheckedEstimator("estimator 'mine'", new Fixed(new ValueRange(0, 1), 1));
        Assert.Same(estimator, estimator.WithoutValues);
        Assert.IsType<CheckedEstimator>(new CheckedEstimator("method 'x'", new TruncationEstimator()).WithoutValues);
    }

    private static void Ask(CheckedEstimator estimator)
    {
        _ = estimator.WeightMagnitude([1, 2], bits: 8);
        _ = estimator.ActivationRange(new SiteStatistics("x", groups: 1), group: 0, bits: 8);
    }

    private sealed class Fixed(ValueRange range, float magnitude) : IRangeEstimator
    {
        public bool NeedsHistograms => false;

        public ValueRange ActivationRange(SiteStatistics statistics, int group, int bits) => range;

        public float WeightMagnitude(ReadOnlySpan<float> weights, int bits) => magnitude;
    }

    private sealed class Late : IRangeEstimator
    {
        public bool NeedsHistograms => false;

        public ValueRange ActivationRange(SiteStatistics statistics, int group, int bits) =>
            throw new TimeoutException();

        public float WeightMagnitude(ReadOnlySpan<float> weights, int bits) => 1;
    }
}
