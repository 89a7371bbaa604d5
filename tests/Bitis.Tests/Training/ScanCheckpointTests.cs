using Bitis.Execution.LowBit;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;
using Bitis.Training;

namespace Bitis.Tests.Training;

/// <summary>A scan over a sequence so long that a plan with low-bit layers keeps fewer of its hidden states.</summary>
public sealed class ScanCheckpointTests
{
    private const int Side = 12, Width = 48, States = 32, Images = 4;

    private static readonly string[] AfterLowBitLayer =
        ["delta.weight", "b.weight", "c.weight", "scan.A_log", "scan.D", "head.weight"];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fewer_states_take_less_memory_and_give_the_same_bits(bool isReversed)
    {
        Graph graph = LowBitLayerBeforeScan(isReversed);
        var weights = graph.Parameters.ToDictionary(
            parameter => parameter.Name,
            parameter => FloatTensor.From(
                parameter.Shape, Sample.Floats(parameter.Name.Length, (int)parameter.Shape.ElementCount, -0.5f, 0.5f)));
        FloatTensor images = FloatTensor.From(graph.Input.Shape.Prepend(8 * Images), [
            .. Sample.Floats(1, 8 * Images * 3 * Side * Side),
        ]);
        FloatTensor targets = new([8 * Images, 2]);
        for (int i = 0; i < 8 * Images; i++)
            targets.Span[(2 * i) + (i % 2)] = 1;
        using var exact = new GradientExecutor(graph, weights, threads: 1);
        using var lowBit = new GradientExecutor(
            graph, weights, threads: 1, new BackwardPolicy { Overrides = [new("fc", "int8")] });
        exact.Run(images, targets);
        lowBit.Run(images, targets);

        // In the backward pass, the low-bit layer comes after all of these.
        foreach (string name in AfterLowBitLayer)
        {
            Assert.Contains(exact.Gradients[name].Span.ToArray(), value => value != 0);
            Assert.Equal(
                Sample.Bits(exact.Gradients[name].Span.ToArray()), Sample.Bits(lowBit.Gradients[name].Span.ToArray()));
        }

        // 5 of 18 states. What else the low-bit layer saves is less.
        long states = 13 * States * Width * sizeof(float) * Images;
        long saved = exact.MicroBatchArenaBytes - lowBit.MicroBatchArenaBytes;
        Assert.True(saved >= states, $"{saved} bytes saved, {states} of states");
    }

    private static Graph LowBitLayerBeforeScan(bool isReversed)
    {
        var b = new GraphBuilder([3, Side, Side]);
        Node x = b.Add(
            "tokens", new FlattenSpatial(), b.Add("embed", new Conv2d(3, Width, 1, 1, 0, HasBias: true), b.Input));
        Node u = b.Add("fc", new Linear(Width, Width, HasBias: true), x);
        if (isReversed)
            u = b.Add("reverse", new ReverseTokens(), u);
        Node delta = b.Add("softplus", new Softplus(), b.Add("delta", new Linear(Width, Width, HasBias: false), u));
        Node input = b.Add("b", new Linear(Width, States, HasBias: false), u);
        Node output = b.Add("c", new Linear(Width, States, HasBias: false), u);
        Node y = b.Add("scan", new SelectiveScan(Width, States), [u, delta, input, output], ["scan.A_log", "scan.D"]);
        if (isReversed)
            y = b.Add("back", new ReverseTokens(), y);
        return b.Build(b.Add("head", new Linear(Width, 2, HasBias: true), b.Add("mean", new MeanTokens(), y)));
    }
}
