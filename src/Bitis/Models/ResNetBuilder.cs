using Bitis.Graphs;
using Bitis.Operators;

namespace Bitis.Models;

/// <summary>
/// A residual network as a graph, with torchvision's names (<c>torchvision/models/resnet.py</c>; norms are <c>norm</c> for its <c>bn</c>). Maps
/// are grids of tokens, <c>[H·W, C]</c>: what a convolution sees at a place then lies together in memory, row by row of its kernel.
/// </summary>
internal static class ResNetBuilder
{
    public static Graph Build(ResNetConfig config)
    {
        var graph = new GraphBuilder(config.InputShape);
        int size = config.ImageSize;
        Node x = graph.Add("conv1", new Conv2d(config.ImageChannels, config.Width, Kernel: 3, Stride: 1, Padding: 1, HasBias: true), graph.Input);
        x = graph.Add("conv1.tokens", new FlattenSpatial(), x); // [size², C]
        x = graph.Add("relu", new Relu(), Norm(graph, config, "norm1", x));
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
        x = graph.Add("avgpool", new MeanTokens(), x); // [C]
        return graph.Build(graph.Add("fc", new Linear(x.Shape[0], config.Classes, HasBias: true), x));
    }

    /// <summary>relu(x + norm(conv(relu(norm(conv(x)))))); the first convolution, and the shortcut with it, may halve the grid.</summary>
    private static Node Block(GraphBuilder graph, ResNetConfig config, string name, Node input, int width, int size, int stride)
    {
        int inputs = input.Shape[1], halved = (size - 1) / stride + 1;
        Node x = graph.Add($"{name}.conv1", new GridConv2d(inputs, width, size, size, Kernel: 3, stride, Padding: 1), input);
        x = graph.Add($"{name}.relu1", new Relu(), Norm(graph, config, $"{name}.norm1", x));
        x = graph.Add($"{name}.conv2", new GridConv2d(width, width, halved, halved, Kernel: 3, Stride: 1, Padding: 1), x);
        x = Norm(graph, config, $"{name}.norm2", x);
        Node shortcut = input;
        if (stride > 1)
        {
            shortcut = graph.Add($"{name}.downsample.0", new GridConv2d(inputs, width, size, size, Kernel: 1, stride, Padding: 0), input);
            shortcut = Norm(graph, config, $"{name}.downsample.1", shortcut);
        }
        return graph.Add($"{name}.relu2", new Relu(), graph.Add($"{name}.residual", new Add(), x, shortcut));
    }

    private static Node Norm(GraphBuilder graph, ResNetConfig config, string name, Node x) =>
        graph.Add(name, new GroupNorm(x.Shape[1], config.Groups, config.NormEpsilon), x);
}
