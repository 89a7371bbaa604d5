using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Quantization;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Reconstruction;
using Bitis.Tests.Quantization;

namespace Bitis.Tests.Reconstruction;

/// <summary>
/// The optimizer's loop, with losses and gradients that are made up: the loss is (s − 2)² for each weight scale s.
/// </summary>
public sealed class ScaleLearningTests
{
    private static readonly LearningSettings Settings = new()
    {
        Steps = 60,
        WeightRate = 0.1,
        ActivationRate = 0.1,
        SmoothingRate = 0.1,
        KeepsBest = true,
    };

    [Fact]
    public void Every_method_that_learns_says_how()
    {
        foreach (QuantizationMethod method in QuantizationMethod.All)
        {
            LearningSettings? settings = new Recipe { Method = method.Name, Scope = Scope.Ssm }.Behavior.Learning;
            Assert.Equal(
                RecipeSteps.Learns(method.Name),
                settings is { Steps: > 0, WeightRate: > 0, ActivationRate: > 0, SmoothingRate: > 0 });
        }
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public void Scales_go_where_the_loss_is_least(bool inLogarithms, bool anneals)
    {
        LearnedLinear linear = Linear();
        BlockRecord record = Learning(
            linear, Settings with { InLogarithms = inLogarithms, Anneals = anneals }, Loss).Run(3);
        Assert.Equal((3, 60), (record.Block, record.Steps));
        Assert.InRange(record.LossAfter, 0, 0.01);
        Assert.All(linear.WeightScales, scale => Assert.InRange(scale, 1.9f, 2.1f));

        double Loss(int first, int count, bool backward) => Distance(linear);
    }

    [Fact]
    public void Images_come_in_turn_and_the_last_batch_is_shorter()
    {
        var seen = new List<(int, int)>();
        LearnedLinear linear = Linear();
        Learning(linear, Settings with { Steps = 4, BatchSize = 4 }, (first, count, backward) =>
        {
            if (backward)
                seen.Add((first, count));
            return Distance(linear);
        }).Run(0);
        Assert.Equal([(0, 4), (4, 4), (8, 2), (0, 4)], seen);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_loss_that_is_no_number_ends_the_block_with_the_best_scales_so_far(double bad)
    {
        int calls = 0;
        LearnedLinear linear = Linear();
        float best = 0;
        BlockRecord record = Learning(linear, Settings, (_, _, _) =>
        {
            if (++calls == 7)
                return bad;
            best = linear.WeightScales[0];
            return Distance(linear);
        }).Run(5);
        Assert.Equal(best, linear.WeightScales[0]);
        Assert.Equal(5, record.Steps);
        Assert.Contains("block 5: the loss was", record.Warning);
        Assert.True(record.LossAfter < record.LossBefore);
    }

    [Fact]
    public void A_block_that_is_wrong_from_the_start_is_refused()
    {
        BitisException e = Assert.Throws<BitisException>(
            () => Learning(Linear(), Settings, (_, _, _) => double.NaN).Run(2));
        Assert.StartsWith("block 2: ", e.Message);
    }

    [Fact]
    public void Without_keeping_the_best_the_last_state_stays_even_if_it_is_worse()
    {
        LearnedLinear linear = Linear();
        int calls = 0;
        BlockRecord record = Learning(linear, Settings with { Steps = 3, KeepsBest = false }, (_, _, _) =>
            Distance(linear) + (100 * calls++)).Run(0);
        Assert.True(record.LossAfter > record.LossBefore);
        Assert.NotEqual(1, linear.WeightScales[0]);
    }

    private static ScaleLearning Learning(
        LearnedLinear linear, LearningSettings settings, Func<int, int, bool, double> loss) =>
        new(linear.Learned, settings, images: 10, loss, (_, _) => { });

    private static double Distance(LearnedLinear linear)
    {
        for (int i = 0; i < linear.WeightScales.Length; i++)
            linear.WeightScaleGradient[i] = 2 * (linear.WeightScales[i] - 2);
        return linear.WeightScales.Sum(scale => (scale - 2) * (scale - 2));
    }

    private static LearnedLinear Linear()
    {
        var builder = new GraphBuilder([1, 2]);
        Node node = builder.Add("linear", new Linear(2, 3, HasBias: false), builder.Input);
        var start = new QuantizedLayer(
            new sbyte[6], UniformQuantizer.Symmetric(
                4, Granularity.PerChannel, [1, 1, 1]), UniformQuantizer.Asymmetric(4, Granularity.PerTensor, [1], [0]));
        return new LearnedLinear(node, new FloatTensor([3, 2]), null, start, null);
    }
}
