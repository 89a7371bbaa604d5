using Bitis.Execution.Gradients;
using Bitis.Execution.LowBit;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;
using Bitis.Training;

namespace Bitis.Tests.Training;

/// <summary>The times of operations by phase, which the profile of a step shows.</summary>
public sealed class OperationTimesTests
{
    [Fact]
    public void A_low_bit_layer_names_its_phases_and_they_add_up_to_the_operation()
    {
        OperationTimes exact = TimesOf("exact"), hlq = TimesOf("hlq");
        Assert.Equal([""], PhasesOf(exact, isBackward: false));
        Assert.Equal([""], PhasesOf(exact, isBackward: true));
        Assert.Equal(["", "keep: round", "keep: transform", "product"], PhasesOf(hlq, isBackward: false));
        Assert.Equal(
            ["", "W̄ product", "W̄ round", "W̄ transform", "bias", "x̄ product", "x̄ transform, round"],
            PhasesOf(hlq, isBackward: true));

        Assert.All(hlq.Phases, entry => Assert.True(entry.Time >= TimeSpan.Zero, entry.ToString()));
        foreach ((string kind, bool isBackward, TimeSpan time) in hlq.Totals)
        {
            long ticks = hlq.Phases.Where(entry => entry.Kind == kind && entry.IsBackward == isBackward)
                .Sum(entry => entry.Time.Ticks);
            Assert.Equal(ticks, time.Ticks);
        }
        Assert.Equal(
            ["add sums", "clear sums", "collect gradients", "pack weights"],
            hlq.Stages.Select(entry => entry.Stage).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_phase_has_the_time_since_the_one_before_and_none_outside_of_operations()
    {
        var times = new OperationTimes();
        OperationTimes.EndPhase("before");
        times.Begin("work", isBackward: true);
        OperationTimes.EndPhase("first");
        Thread.Sleep(20);
        OperationTimes.EndPhase("second");
        OperationTimes.End();
        OperationTimes.EndPhase("after");
        Dictionary<string, TimeSpan> phases = times.Phases.ToDictionary(entry => entry.Phase, entry => entry.Time);
        Assert.Equal(["", "first", "second"], phases.Keys.Order(StringComparer.Ordinal));
        Assert.True(phases["second"] >= TimeSpan.FromMilliseconds(15), phases["second"].ToString());
        Assert.All(times.Phases, entry => Assert.True(entry.IsBackward));
    }

    private static IEnumerable<string> PhasesOf(OperationTimes times, bool isBackward) =>
        times.Phases.Where(entry => entry.Kind == "linear" && entry.IsBackward == isBackward)
            .Select(entry => entry.Phase)
            .Order(StringComparer.Ordinal);

    private static OperationTimes TimesOf(string method)
    {
        const int side = 4, width = 64;
        var b = new GraphBuilder([3, side, side]);
        Node x = b.Add(
            "tokens", new FlattenSpatial(), b.Add("embed", new Conv2d(3, width, 1, 1, 0, HasBias: true), b.Input));
        x = b.Add("linear", new Linear(width, width, HasBias: true), x);
        Graph graph = b.Build(
            b.Add("head", new Linear(width, 2, HasBias: true), b.Add("mean", new MeanTokens(), x)));
        var weights = graph.Parameters.ToDictionary(
            parameter => parameter.Name,
            parameter => FloatTensor.From(
                parameter.Shape, Sample.Floats(parameter.Name.Length, (int)parameter.Shape.ElementCount)));
        using var executor = new GradientExecutor(
            graph, weights, threads: 1, new BackwardPolicy { Method = method });
        executor.Times = new OperationTimes();
        FloatTensor images = FloatTensor.From([2, 3, side, side], Sample.Floats(1, 2 * 3 * side * side));
        executor.Run(images, FloatTensor.From([2, 2], [1, 0, 0, 1]));
        return executor.Times;
    }
}
