using System.Numerics.Tensors;
using Bitis.Execution.LowBit;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Models.Catalogue;
using Bitis.Models.Vim;
using Bitis.Tensors;
using Bitis.Training;

namespace Bitis.Tests.Training;

/// <summary>The approximated backward passes of linear and convolutional layers against the exact one.</summary>
public sealed class LowBitGradientTests
{
    private const int Side = 8, Width = 40, Hidden = 96, Classes = 5, Batch = 11;

    public static TheoryData<string, double> Methods => new()
    {
        { "hlq", 0.75 }, { "hadamard", 0.9 }, { "low-rank", 0.75 }, { "int8", 0.999 }, { "int4", 0.9 }, { "lbp-wht",
        0.6 }, { "luq", 0.85 },
    };

    [Theory]
    [InlineData(TokenBasis.Patch)]
    [InlineData(TokenBasis.Sequency)]
    [InlineData(TokenBasis.Energy)]
    public void At_full_rank_and_in_float32_the_transforms_change_nothing(object basisValue)
    {
        var basis = (TokenBasis)basisValue;
        foreach (Graph graph in new[] { Mlp(), Convolutions() })
        {
            Dictionary<string, FloatTensor> weights = Weights(graph), exact = Gradients(
                graph, weights, BackwardPolicy.Exact);
            Dictionary<string, FloatTensor> actual = Gradients(
                graph, weights, Everywhere("lbp-wht") with { Basis = basis, Rank = 16 });
            foreach ((string name, FloatTensor expected) in exact)
                TensorAssert.Close(expected, actual[name], 1e-5, name);
        }
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void Gradients_point_where_the_exact_ones_do(string method, double lowest)
    {
        foreach (Graph graph in new[] { Mlp(), Convolutions() })
        {
            Dictionary<string, FloatTensor> weights = Weights(graph), exact = Gradients(
                graph, weights, BackwardPolicy.Exact);
            Dictionary<string, FloatTensor> actual = Gradients(graph, weights, Everywhere(method));
            foreach ((string name, FloatTensor expected) in exact)
            {
                double cosine = TensorPrimitives.CosineSimilarity<float>(expected.Span, actual[name].Span);
                Assert.True(cosine > lowest, $"{method}, {name}: the cosine is {cosine}");
            }
        }
    }

    [Theory]
    [InlineData(8, 0.02)]
    [InlineData(4, 0.15)]
    public void At_full_rank_small_channels_beside_large_ones_keep_their_gradients(int activationBits, double largest)
    {
        Graph graph = Mlp();
        Dictionary<string, FloatTensor> weights = Weights(graph);
        FloatTensor embedding = weights["embed.weight"], bias = weights["embed.bias"];
        for (int channel = 0; channel < Width; channel++)
        {
            float factor = MathF.Pow(10, channel % 5);
            TensorPrimitives.Multiply(
                embedding.Span.Slice(channel * 3, 3), factor, embedding.Span.Slice(channel * 3, 3));
            bias.Span[channel] *= factor;
        }
        foreach (ref float weight in weights["fc1.weight"].Span)
            weight *= 1e-4f;
        FloatTensor expected = Gradients(graph, weights, BackwardPolicy.Exact)["fc1.weight"];
        FloatTensor actual = Gradients(
            graph,
            weights,
            new BackwardPolicy
            {
                Overrides = [new("fc1", "low-rank")],
                Rank = 16,
                ActivationBits = activationBits,
            })["fc1.weight"];
        for (int channel = 0; channel < Width; channel++)
        {
            double distance = Distance(Column(expected, channel), Column(actual, channel));
            Assert.True(distance < largest, $"channel {channel}: {distance}");
        }

        static FloatTensor Column(FloatTensor matrix, int column) =>
            FloatTensor.From(
                [Hidden], [.. Enumerable.Range(0, Hidden).Select(row => matrix.Span[(row * Width) + column])]);
    }

    [Fact]
    public void Channels_far_from_zero_keep_what_varies_in_them()
    {
        Graph graph = Mlp();
        Dictionary<string, FloatTensor> weights = Weights(graph);
        FloatTensor bias = weights["embed.bias"];
        bias.Span.Fill(50);
        foreach (ref float value in weights["token.token"].Span)
            value += 50;
        BackwardPolicy policy = new() { Overrides = [new("fc1", "low-rank")], Rank = 16, ActivationBits = 4 };
        Dictionary<string, FloatTensor> exact = Gradients(graph, weights, BackwardPolicy.Exact);
        Dictionary<string, FloatTensor> actual = Gradients(graph, weights, policy);
        double distance = Distance(Variation(exact), Variation(actual));
        Assert.True(distance < 0.15, $"{distance}");

        // W̄ without what the mean of x alone makes of it.
        FloatTensor Variation(Dictionary<string, FloatTensor> gradients)
        {
            FloatTensor variation = gradients["fc1.weight"].Clone();
            for (int i = 0; i < variation.Length; i++)
                variation.Span[i] -= exact["fc1.bias"].Span[i / Width] * bias.Span[i % Width];
            return variation;
        }
    }

    [Theory]
    [InlineData(7, 5, 3, 2, 1)]
    [InlineData(7, 5, 1, 2, 0)]
    [InlineData(9, 8, 3, 3, 0)]
    [InlineData(8, 9, 5, 2, 2)]
    [InlineData(3, 3, 3, 2, 1)]
    public void Convolutions_of_any_stride_have_the_gradients_of_the_exact_ones(
        int height, int width, int kernel, int stride, int padding)
    {
        var b = new GraphBuilder([3, height, width]);
        Node x = Tokens(b, 16);
        Graph graph = Head(b, b.Add("conv", new GridConv2d(16, 20, height, width, kernel, stride, padding), x));
        Dictionary<string, FloatTensor> weights = Weights(graph);
        FloatTensor images = FloatTensor.From([2, 3, height, width], Sample.Floats(1, 2 * 3 * height * width)),
            targets = new([2, Classes]);
        targets.Span[0] = targets.Span[Classes + 1] = 1;
        using var exact = new GradientExecutor(graph, weights);
        using var actual = new GradientExecutor(
            graph, weights, backward: new BackwardPolicy { Overrides = [new("conv", "int8")] });
        exact.Run(images, targets);
        actual.Run(images, targets);
        foreach ((string name, FloatTensor expected) in exact.Gradients)
            TensorAssert.Close(expected, actual.Gradients[name], 0.03, name);
    }

    [Theory]
    [InlineData("int4", 8)] // ȳ is rounded at random; x to the nearest, an error that stays
    [InlineData("hlq", 4)] // both are rounded at random
    public void Rounding_at_random_is_right_on_average(string method, int activationBits)
    {
        // The gradient of the last low-bit layer.
        Graph graph = Mlp();
        Dictionary<string, FloatTensor> weights = Weights(graph);
        BackwardPolicy policy = new() { ActivationBits = activationBits };
        using var exactly = new GradientExecutor(graph, weights);
        (FloatTensor images, FloatTensor targets) = Data();
        exactly.Run(images, targets);
        using var executor = new GradientExecutor(
            graph, weights, backward: policy with { Overrides = [new("fc2", method), new("*", "exact")] });
        FloatTensor expected = exactly.Gradients["fc2.weight"], mean = new(expected.Shape);
        double single = 0;
        const int Runs = 64;
        for (ulong seed = 0; seed < Runs; seed++)
        {
            executor.Run(images, targets, seed);
            TensorPrimitives.Add(mean.Span, executor.Gradients["fc2.weight"].Span, mean.Span);
            single += Distance(expected, executor.Gradients["fc2.weight"]) / Runs;
        }
        TensorPrimitives.Divide(mean.Span, Runs, mean.Span);
        Assert.InRange(single, 0.005, 0.3);
        Assert.True(
            Distance(expected, mean) < single / 3, $"{Distance(expected, mean)} on average, {single} each time");
    }

    [Theory]
    [InlineData("vim-micro")]
    [InlineData("localvim-micro")]
    public void Numbers_depend_on_the_seed_and_not_on_the_threads(string architecture)
    {
        VisionModel model = VisionModel.CreateRandom(SmallModels.Get(architecture, classes: Classes), seed: 1);
        FloatTensor images = FloatTensor.From([13, 3, 32, 32], Sample.Floats(1, 13 * 3 * 32 * 32)),
            targets = new([13, Classes]);
        for (int i = 0; i < 13; i++)
            targets.Span[(i * Classes) + (i % Classes)] = 1;
        Dictionary<string, FloatTensor> first = Run(1, 3), again = Run(16, 3), other = Run(1, 4);
        foreach ((string name, FloatTensor gradient) in first)
            Assert.True(gradient.Span.SequenceEqual(again[name].Span), name);
        Assert.False(
            first["layers.0.mixer.in_proj.weight"].Span.SequenceEqual(other["layers.0.mixer.in_proj.weight"].Span));

        Dictionary<string, FloatTensor> Run(int threads, ulong seed)
        {
            using var executor = new GradientExecutor(
                model.Graph, model.Weights, threads, new BackwardPolicy { Method = "hlq" });
            executor.Run(images, targets, seed);
            return executor.Gradients.ToDictionary(pair => pair.Key, pair => pair.Value.Clone());
        }
    }

    [Fact]
    public void What_is_kept_is_counted_where_it_lies()
    {
        Graph graph = Mlp();
        Dictionary<string, FloatTensor> weights = Weights(graph);
        const int images = 4, tokens = (Side * Side) + 1, blocks = Side * Side / 16;
        using var exact = new GradientExecutor(graph, weights, threads: 1);
        Assert.Equal(
            [
                ("fc1", images * tokens * Width * 4L),
                ("fc2", images * tokens * Hidden * 4L),
                ("head", images * Width * 4L),
            ], exact.KeptInputs.OrderBy(kept => kept.Layer));

        // 8 of 16 coefficients of each block and the class token as bytes; GELU needs fc1's output, so nothing is
        // shared.
        BackwardPolicy policy = Everywhere("hlq") with
        {
            Overrides = [new("head", "exact"), new("*", "hlq")],
            Rank = 8,
        };
        using var hlq = new GradientExecutor(graph, weights, threads: 1, policy);
        const int groups = images * ((blocks * 8) + 1) / 4;
        int step = Bitis.Kernels.Gemm.Int8Gemm.Table.Best.ColumnMultiple, padded = (Width + step - 1) / step * step;
        Assert.Equal(
            64 + (padded * 4) + (groups * 4 * padded), hlq.KeptInputs.Single(kept => kept.Layer == "fc1").Bytes);
        Assert.Equal(
            64 + (Hidden * 4) + (groups * 4 * Hidden), hlq.KeptInputs.Single(kept => kept.Layer == "fc2").Bytes);
        Assert.True(hlq.KeptInputBytes < 0.2 * exact.KeptInputBytes, $"{hlq.KeptInputBytes} of {exact.KeptInputBytes}");
        Assert.True(
            hlq.MicroBatchArenaBytes < exact.MicroBatchArenaBytes,
            $"{hlq.MicroBatchArenaBytes} of {exact.MicroBatchArenaBytes}");

        // At full rank all tokens, and each channel's scale and center; in 4 bits, which is what linear layers do
        // unless the policy says, half of the levels' bytes.
        using var full = new GradientExecutor(
            graph, weights, threads: 1, policy with { Rank = 16, ActivationBits = 8 });
        Assert.Equal(
            64 + (Hidden * 12) + (images * tokens * Hidden), full.KeptInputs.Single(kept => kept.Layer == "fc2").Bytes);
        using var usual = new GradientExecutor(graph, weights, threads: 1, policy with { Rank = null });
        Assert.Equal(
            64 + (Hidden * 12) + (images * tokens * Hidden / 2),
            usual.KeptInputs.Single(kept => kept.Layer == "fc2").Bytes);

        // With 4 bits, half of the levels' bytes.
        using var small = new GradientExecutor(graph, weights, threads: 1, policy with { ActivationBits = 4 });
        Assert.Equal(
            64 + (Hidden * 4) + (groups * 2 * Hidden), small.KeptInputs.Single(kept => kept.Layer == "fc2").Bytes);
    }

    [Fact]
    public void Of_a_convolution_s_input_its_levels_are_kept()
    {
        Graph graph = Convolutions();
        using var hlq = new GradientExecutor(graph, Weights(graph), threads: 1, Everywhere("hlq"));
        const int images = 4, scale = 4;
        Assert.Equal(images * (scale + (Side * Side * 16)), hlq.KeptInputs.Single(kept => kept.Layer == "conv").Bytes);
        using var small = new GradientExecutor(
            graph, Weights(graph), threads: 1, Everywhere("hlq") with { ActivationBits = 4 });
        Assert.Equal(
            images * (scale + (Side * Side * 16 / 2)), small.KeptInputs.Single(kept => kept.Layer == "conv").Bytes);
    }

    [Fact]
    public void Convolutions_of_one_input_share_what_is_kept_of_it()
    {
        // As in a residual block: one path convolves, the other one changes the width.
        var b = new GraphBuilder([3, Side, Side]);
        Node x = b.Add("relu", new Relu(), Tokens(b, 16));
        Node path = b.Add("path", new GridConv2d(16, 24, Side, Side, 3, 2, 1), x),
            shortcut = b.Add("shortcut", new GridConv2d(16, 24, Side, Side, 1, 2, 0), x);
        Graph graph = Head(b, b.Add("sum", new Add(), path, shortcut));
        BackwardPolicy both = new() { Overrides = [new("path", "hlq"), new("shortcut", "hlq")] };
        using var executor = new GradientExecutor(graph, Weights(graph), threads: 1, both);
        const long kept = 4 * (4 + (Side * Side * 16));
        Assert.Equal([("path", kept), ("shortcut", kept)], executor.KeptInputs.Where(layer => layer.Bytes == kept));
        long others = executor.KeptInputs.Where(layer => layer.Layer is not ("path" or "shortcut"))
            .Sum(layer => layer.Bytes);
        Assert.Equal(kept + others, executor.KeptInputBytes);

        // Alone, each takes its input as it is, since the other one needs that: what is between them is the rounding of
        // what is kept.
        Dictionary<string, FloatTensor> gradients = Gradients(graph, Weights(graph), both);
        foreach (string layer in new[] { "path", "shortcut" })
        {
            FloatTensor alone = Gradients(
                graph, Weights(graph), new BackwardPolicy { Overrides = [new(layer, "hlq")] })[$"{layer}.weight"];
            double distance = Distance(alone, gradients[$"{layer}.weight"]);
            Assert.InRange(distance, 1e-6, 0.03);
        }
    }

    [Fact]
    public void An_input_that_others_need_in_float32_is_not_kept_twice()
    {
        // x feeds a layer and a product, whose backward pass needs x itself.
        var b = new GraphBuilder([3, Side, Side]);
        Node x = Tokens(b, Width);
        Node y = b.Add("y", new Multiply(), b.Add("fc", new Linear(Width, Width, HasBias: false), x), x);
        Graph graph = Head(b, y);
        using var executor = new GradientExecutor(
            graph, Weights(graph), threads: 1, new BackwardPolicy { Overrides = [new("fc", "hlq")] });
        Assert.Equal(4L * Side * Side * Width * 4, executor.KeptInputs.Single(kept => kept.Layer == "fc").Bytes);
        TensorAssert.Close(
            Gradients(graph, Weights(graph), BackwardPolicy.Exact)["fc.weight"],
            Gradients(graph, Weights(graph), new BackwardPolicy { Overrides = [new("fc", "int8")] })["fc.weight"],
            0.05,
            "fc.weight");
    }

    [Fact]
    public void What_a_scan_reads_is_computed_again_bit_for_bit()
    {
        VisionModel model = VisionModel.CreateRandom(
            new VimConfig
            {
                ImageSize = Side,
                PatchSize = 2,
                Stride = 2,
                Width = 24,
                InnerWidth = 48,
                Depth = 2,
                DeltaRank = 3,
                Classes = Classes,
            }, seed: 3);
        var policy = new BackwardPolicy { Overrides = [new("layers.1.mixer.x_proj*", "int8")] };
        Dictionary<string, FloatTensor> exact = Gradients(
            model.Graph, model.Weights, BackwardPolicy.Exact), actual = Gradients(model.Graph, model.Weights, policy);

        // The last layer's scans come before its x_proj in the backward pass: all that is low-bit comes after them.
        string[] scans =
        [
            .. exact.Keys.Where(
                name => name.StartsWith("layers.1.mixer.", StringComparison.Ordinal)
                    && (name.Contains("A_") || name.Contains(".D") || name.Contains("dt_proj"))),
        ];
        Assert.Equal(8, scans.Length);
        foreach (string name in scans)
            Assert.Equal(Sample.Bits(exact[name].Span.ToArray()), Sample.Bits(actual[name].Span.ToArray()));
        foreach ((string name, FloatTensor expected) in exact)
            Assert.True(TensorPrimitives.CosineSimilarity<float>(expected.Span, actual[name].Span) > 0.999, name);
    }

    [Fact]
    public void Of_a_vim_s_inputs_a_fifth_is_kept()
    {
        VisionModel model = VisionModel.CreateRandom(SmallModels.Get("vim-mini", classes: 10), seed: 1);
        using var exact = new GradientExecutor(model.Graph, model.Weights, threads: 1);
        using var hlq = new GradientExecutor(
            model.Graph, model.Weights, threads: 1, new BackwardPolicy { Method = "hlq" });
        Assert.True(hlq.KeptInputBytes < exact.KeptInputBytes / 5, $"{hlq.KeptInputBytes} of {exact.KeptInputBytes}");
        Assert.True(
            hlq.MicroBatchArenaBytes < exact.MicroBatchArenaBytes * 3 / 4,
            $"{hlq.MicroBatchArenaBytes} of {exact.MicroBatchArenaBytes}");
    }

    private static BackwardPolicy Everywhere(string method) =>
        new() { Overrides = [new BackwardOverride("*", method)] };

    private static Node Tokens(GraphBuilder b, int width) => b.Add(
        "tokens", new FlattenSpatial(), b.Add("embed", new Conv2d(3, width, 1, 1, 0, HasBias: true), b.Input));

    private static Graph Head(GraphBuilder b, Node x) =>
        b.Build(b.Add("head", new Linear(x.Shape[^1], Classes, HasBias: true), b.Add("mean", new MeanTokens(), x)));

    /// <summary>Tokens of pixels with a class token among them, and two layers with GELU between them.</summary>
    private static Graph Mlp()
    {
        var b = new GraphBuilder([3, Side, Side]);
        Node x = b.Add("token", new InsertToken(Side * Side / 2, Width), Tokens(b, Width));
        x = b.Add("gelu", new Gelu(), b.Add("fc1", new Linear(Width, Hidden, HasBias: true), x));
        return Head(b, b.Add("fc2", new Linear(Hidden, Width, HasBias: true), x));
    }

    /// <summary>Convolutions over a grid: padded, with a stride, and of single places.</summary>
    private static Graph Convolutions()
    {
        var b = new GraphBuilder([3, Side, Side]);
        Node x = b.Add("relu", new Relu(), Tokens(b, 16));
        x = b.Add("relu2", new Relu(), b.Add("conv", new GridConv2d(16, 20, Side, Side, 3, 1, 1), x));
        x = b.Add("down", new GridConv2d(20, 24, Side, Side, 3, 2, 1), x);
        return Head(b, b.Add("point", new GridConv2d(24, 16, Side / 2, Side / 2, 1, 1, 0), x));
    }

    private static Dictionary<string, FloatTensor> Weights(Graph graph) => graph.Parameters.ToDictionary(
        parameter => parameter.Name,
        parameter => FloatTensor.From(
            parameter.Shape, Sample.Floats(parameter.Name.Length, (int)parameter.Shape.ElementCount, -0.5f, 0.5f)));

    /// <summary>Smooth images with some noise, since real ones are smooth, too.</summary>
    private static (FloatTensor Images, FloatTensor Targets) Data()
    {
        float[] noise = Sample.Floats(1, Batch * 3 * Side * Side, -0.3f, 0.3f);
        FloatTensor images = FloatTensor.From(
            [Batch, 3, Side, Side], [
                .. noise.Select(
                    (value, i) =>
                        value + MathF.Sin((i % Side * 0.5f) + (i / Side % Side * 0.3f) + (i / (Side * Side))))]);
        FloatTensor targets = new([Batch, Classes]);
        for (int i = 0; i < Batch; i++)
            targets.Span[(i * Classes) + (i % Classes)] = 1;
        return (images, targets);
    }

    private static Dictionary<string, FloatTensor> Gradients(
        Graph graph, IReadOnlyDictionary<string, FloatTensor> weights, BackwardPolicy policy)
    {
        using var executor = new GradientExecutor(graph, weights, backward: policy);
        (FloatTensor images, FloatTensor targets) = Data();
        executor.Run(images, targets, seed: 5);
        return executor.Gradients.ToDictionary(pair => pair.Key, pair => pair.Value.Clone());
    }

    private static double Distance(FloatTensor expected, FloatTensor actual) =>
        TensorPrimitives.Distance<float>(expected.Span, actual.Span) / TensorPrimitives.Norm<float>(expected.Span);
}
