using Bitis.Graphs;

namespace Bitis.Models.Reference;

/// <summary>
/// A residual network as a graph, with torchvision's names (<c>torchvision/models/resnet.py</c>; norms are <c>norm</c>
/// for its <c>bn</c>).
/// </summary>
/// <remarks>
/// Maps are grids of tokens, <c>[H·W, C]</c>: what a convolution sees at a place then lies together in memory, row by
/// row of its kernel.
/// </remarks>
internal static class ResNetBuilder
{
    public static Graph Build(ResNetConfig config)
    {
        var graph = new GraphBuilder(config.InputShape);
        int size = config.ImageSize;
        Node x = graph.Conv2d("conv1", graph.Input, config.Width, kernelSize: 3, padding: 1);
        x = graph.FlattenSpatial("conv1.tokens", x); // [size², C]
        x = graph.Relu("relu", Norm(graph, config, "norm1", x));
        int block = 0;
        for (int stage = 0; stage < config.Depths.Count; stage++)
        {
            for (int i = 0; i < config.Depths[stage]; i++)
            {
                graph.Block = block++;
                int stride = stage > 0 && i == 0 ? 2 : 1;
                x = Block(graph, config, $"layer{stage + 1}.{i}", x, config.Width << stage, size, stride);
                size = (size - 1) / stride + 1;
            }
        }
        graph.Block = null;
        x = graph.MeanTokens("avgpool", x); // [C]
        return graph.Build(graph.Linear("fc", x, config.Classes));
    }

    /// <summary>
    /// relu(x + norm(conv(relu(norm(conv(x)))))); the first convolution, and the shortcut with it, may halve the grid.
    /// </summary>
    private static Node Block(
        GraphBuilder graph, ResNetConfig config, string name, Node input, int width, int size, int stride)
    {
        int inputs = input.Shape[1], halved = (size - 1) / stride + 1;
        Node x = graph.GridConv2d($"{name}.conv1", input, size, size, width, kernelSize: 3, stride, padding: 1);
        x = graph.Relu($"{name}.relu1", Norm(graph, config, $"{name}.norm1", x));
        x = graph.GridConv2d($"{name}.conv2", x, halved, halved, width, kernelSize: 3, padding: 1);
        x = Norm(graph, config, $"{name}.norm2", x);
        Node shortcut = input;
        if (stride > 1)
        {
            shortcut = graph.GridConv2d($"{name}.downsample.0", input, size, size, width, kernelSize: 1, stride);
            shortcut = Norm(graph, config, $"{name}.downsample.1", shortcut);
        }
        return graph.Relu($"{name}.relu2", graph.Add($"{name}.residual", x, shortcut));
    }

    private static Node Norm(GraphBuilder graph, ResNetConfig config, string name, Node x) =>
        graph.GroupNorm(name, x, config.Groups, config.NormEpsilon);
}
