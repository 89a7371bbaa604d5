using Bitis.Execution.Gradients;
using Bitis.Execution.LowBit;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Memory;
using Bitis.Models.Catalogue;
using Bitis.Models.Vim;
using Bitis.Tensors;
using Bitis.Training;

namespace Bitis.Benchmarks;

/// <summary>
/// HLQ against the exact backward pass, both at our best, in turns on one thread: the time of a layer's backward pass
/// by shape, with what keeping the input compressed costs in the forward pass, and the bytes that are kept.
/// </summary>
internal static unsafe class HlqBenchmark
{
    private static readonly (string Name, int Side, bool HasClassToken, int Images, int Inputs, int Outputs)[] Shapes =
    [
        ("vim-mini x_proj", 8, true, 4, 320, 42),
        ("vim-micro x_proj", 8, true, 4, 128, 36),
        ("vim-tiny x_proj", 14, true, 1, 384, 44),
        ("vim-mini dt_proj", 8, true, 4, 10, 320),
        ("vim-mini in_proj", 8, true, 4, 160, 640),
        ("vim-mini out_proj", 8, true, 4, 320, 160),
        ("vit-mini qkv", 8, true, 4, 192, 576),
        ("vit-mini proj", 8, true, 4, 192, 192),
        ("vit-mini fc1", 8, true, 4, 192, 768),
        ("vit-mini fc2", 8, true, 4, 768, 192),
        ("vim-tiny in_proj", 14, true, 1, 192, 768),
        ("vim-tiny out_proj", 14, true, 1, 384, 192),
        ("vim-small in_proj", 14, true, 1, 384, 1536),
        ("vim-small out_proj", 14, true, 1, 768, 384),
        ("32 to 128", 8, true, 4, 32, 128),
        ("72 to 32", 8, true, 4, 72, 32),
        ("48 to 48", 8, true, 4, 48, 48),
        ("64 to 64", 8, true, 4, 64, 64),
        ("96 to 96", 8, true, 4, 96, 96),
        ("128 to 128", 8, true, 4, 128, 128),
        ("256 to 256", 8, true, 4, 256, 256),
    ];

    /// <param name="name">What is compared with the exact backward pass, as <see cref="BackwardPolicyText"/> takes
    /// it.</param>
    public static void Run(string name)
    {
        BackwardPolicy policy = BackwardPolicyText.Parse(name);
        Console.WriteLine($"policy {name}");
        Console.WriteLine("the backward pass of a linear layer, microseconds: x̄ and W̄ exact and by HLQ; the forward "
            + "pass's compression; bytes kept of the input");
        foreach (var shape in Shapes)
        {
            MeasureLayer(
                policy, shape.Name, shape.Side, shape.HasClassToken, shape.Images, shape.Inputs, shape.Outputs);
        }

        Console.WriteLine("the backward pass of a convolution, microseconds an image: both products, unfolding and "
            + "folding, exact and by HLQ");
        foreach ((int inputs, int outputs, int side, int kernel, int stride) in ((int, int, int, int, int)[])
            [
                (8, 8, 32, 3, 1),
                (16, 16, 32, 3, 1),
                (16, 32, 32, 1, 2),
                (32, 64, 16, 1, 2),
                (32, 32, 16, 1, 1),
                (64, 64, 16, 1, 1),
                (64, 64, 4, 3, 1),
                (16, 32, 32, 3, 2),
                (32, 32, 16, 3, 1),
                (32, 64, 16, 3, 2),
                (64, 64, 8, 3, 1),
                (64, 64, 16, 3, 1),
                (64, 128, 16, 3, 2),
                (128, 128, 8, 3, 1),
                (128, 256, 8, 1, 1),
                (256, 128, 8, 1, 1),
            ])
        {
            MeasureConvolution(policy, inputs, outputs, side, kernel, stride);
        }
        Console.WriteLine("a training step of 16 images of 32×32 pixels on one thread, exact and by HLQ in turns");
        MeasureStep(policy, "vim-mini", SmallModels.Get("vim-mini", classes: 10).BuildGraph());
        MeasureStep(policy, "vit-mini", SmallModels.Get("vit-mini", classes: 10).BuildGraph());
        MeasureStep(policy, "a Vim of width 192", new VimConfig
        {
            ImageSize = 32,
            PatchSize = 4,
            Stride = 4,
            Width = 192,
            InnerWidth = 384,
            Depth = 4,
            DeltaRank = 12,
            Classes = 10,
        }.BuildGraph());
        MeasureStep(policy, "convolutions of 3×3 and 1×1", Convolutions());
        MeasureStep(policy, "resnet-20", SmallModels.Get("resnet-20", classes: 10).BuildGraph());
    }

    /// <summary>
    /// The stages of a small convolutional network: 64 channels, 16×16 places; 128 channels, 8×8 places.
    /// </summary>
    private static Graph Convolutions()
    {
        var b = new GraphBuilder([3, 32, 32]);
        Node x = b.Add(
            "tokens", new FlattenSpatial(), b.Add("stem", new Conv2d(3, 64, 3, 2, 1, HasBias: true), b.Input));
        int side = 16;
        foreach ((string name, int inputs, int outputs, int kernel, int stride) in ((string, int, int, int, int)[])
            [
                ("conv1", 64, 64, 3, 1),
                ("conv2", 64, 64, 3, 1),
                ("down", 64, 128, 3, 2),
                ("conv3", 128, 128, 3, 1),
                ("wide", 128, 256, 1, 1),
                ("narrow", 256, 128, 1, 1),
            ])
        {
            x = b.Add(
                $"{name}.relu",
                new Relu(),
                b.Add($"{name}.conv", new GridConv2d(inputs, outputs, side, side, kernel, stride, kernel / 2), x));
            side /= stride;
        }
        return b.Build(b.Add("head", new Linear(128, 10, HasBias: true), b.Add("mean", new MeanTokens(), x)));
    }

    private static void MeasureConvolution(
        BackwardPolicy policy, int inputs, int outputs, int side, int kernel, int stride)
    {
        const int batch = 32, rounds = 15, warmUp = 25; // the runtime compiles again what is called often
        var b = new GraphBuilder([3, side, side]);
        Node x = b.Add(
            "tokens", new FlattenSpatial(), b.Add("stem", new Conv2d(3, inputs, 1, 1, 0, HasBias: true), b.Input));
        x = b.Add(
            "conv",
            new GridConv2d(inputs, outputs, side, side, kernel, stride, kernel / 2),
            b.Add("relu", new Relu(), x));
        Graph graph = b.Build(
            b.Add("head", new Linear(outputs, 10, HasBias: true), b.Add("mean", new MeanTokens(), x)));
        Dictionary<string, FloatTensor> weights = graph.Parameters.ToDictionary(
            parameter => parameter.Name, parameter => Random(parameter.Shape, 1));
        FloatTensor images = Random([batch, 3, side, side], 2), targets = new([batch, 10]);
        targets.Span.Fill(0.1f);
        using var exact = new GradientExecutor(graph, weights, threads: 1);
        using var hlq = new GradientExecutor(
            graph, weights, threads: 1, policy with { Method = "exact", Overrides = [new("conv", policy.Method)] });
        GradientExecutor[] executors = [exact, hlq];
        double[] us = [.. Enumerable.Range(0, 2).Select(_ => double.MaxValue)], forward = [.. us];
        for (int round = -warmUp; round < rounds; round++)
        {
            for (int i = 0; i < 2; i++)
            {
                executors[i].Times = new OperationTimes();
                executors[i].Run(images, targets);
                var times = executors[i].Times!.Totals.Where(entry => entry.Kind == "grid_conv2d")
                    .ToDictionary(entry => entry.IsBackward, entry => entry.Time.TotalMicroseconds / batch);
                if (round < 0)
                    continue;
                us[i] = Math.Min(us[i], times[true]);
                forward[i] = Math.Min(forward[i], times[false]);
            }
        }
        Console.WriteLine(
            $"  {kernel}×{kernel}, {inputs,3} to {outputs,3}, "
            + $"{side}×{side}{(stride > 1 ? $", stride {stride}" : ""),-10}  exact {us[0],7:F1}   hlq {us[1],7:F1}   "
            + $"{us[0] / us[1]:F2} times as fast"
            + $"   forward {forward[0],7:F1} / {forward[1],7:F1}");
    }

    private static void MeasureStep(BackwardPolicy policy, string name, Graph graph)
    {
        const int batch = 16, rounds = 7;
        Dictionary<string, FloatTensor> weights = [];
        foreach ((string parameter, Shape shape) in graph.Parameters)
        {
            weights[parameter] = Random(shape, (ulong)weights.Count);
            foreach (ref float value in weights[parameter].Span)
                value *= 0.05f;
        }
        FloatTensor images = Random(graph.Input.Shape.Prepend(batch), 2), targets = new([batch, 10]);
        for (int i = 0; i < batch; i++)
            targets.Span[(i * 10) + (i % 10)] = 1;
        using var exact = new GradientExecutor(graph, weights, threads: 1);
        using var hlq = new GradientExecutor(graph, weights, threads: 1, policy);
        var samples = new List<(double Layers, double Forward, double Step)>[] { [], [] };
        for (int round = -2; round < rounds; round++)
        {
            for (int i = 0; i < 2; i++)
            {
                GradientExecutor executor = i == 0 ? exact : hlq;
                executor.Times = new OperationTimes();
                executor.Run(images, targets, seed: (ulong)(round + 2));
                var times = executor.Times.Totals.ToLookup(
                    entry => entry.Kind is "linear" or "conv2d" or "grid_conv2d",
                    entry => (entry.IsBackward, entry.Time.TotalMilliseconds));
                if (round >= 0)
                {
                    samples[i].Add((
                        times[true].Where(entry => entry.IsBackward).Sum(entry => entry.TotalMilliseconds),
                        times[true].Where(entry => !entry.IsBackward).Sum(entry => entry.TotalMilliseconds),
                        times[true].Concat(times[false]).Sum(entry => entry.TotalMilliseconds)));
                }
            }
        }
        (double before, double after) = (Median(0, sample => sample.Layers), Median(1, sample => sample.Layers));
        Console.WriteLine(
            $"  {name,-28} {hlq.Layers.Count(layer => layer.Method == policy.Method)} of {hlq.Layers.Count} layers "
            + "low-bit; linear and convolutional layers backward "
            + $"{before:F1} to {after:F1} ms, {before / after:F2} times as fast; forward "
            + $"{Median(0, s => s.Forward):F1} to {Median(1, s => s.Forward):F1} ms; "
            + $"the whole step {Median(0, s => s.Step) / Median(1, s => s.Step):F2} times as fast");
        double mib = 1 << 20;
        Console.WriteLine(
            $"  {"",-28} kept inputs {exact.KeptInputBytes / mib:F2} to {hlq.KeptInputBytes / mib:F2} MiB "
            + $"({(double)hlq.KeptInputBytes / exact.KeptInputBytes:P0}); "
            + $"those of low-bit layers {LowBitBytes(exact) / mib:F2} to {LowBitBytes(hlq) / mib:F2} MiB "
            + $"({(double)LowBitBytes(hlq) / LowBitBytes(exact):P0}); "
            + $"all values and gradients {exact.MicroBatchArenaBytes / mib:F2} to {hlq.MicroBatchArenaBytes / mib:F2} "
            + "MiB");

        double Median(int i, Func<(double Layers, double Forward, double Step), double> of) =>
            samples[i].Select(of).Order().ElementAt(rounds / 2);
        long LowBitBytes(GradientExecutor executor)
        {
            HashSet<string> lowBit =
                [.. hlq.Layers.Where(layer => layer.Method == policy.Method).Select(layer => layer.Layer)];
            return executor.KeptInputs.Where(kept => lowBit.Contains(kept.Layer)).Sum(kept => kept.Bytes);
        }
    }

    private static void MeasureLayer(
        BackwardPolicy policy, string name, int side, bool hasClassToken, int images, int inputs, int outputs)
    {
        GridLayout layout = GridLayout.Grid(side, side);
        if (hasClassToken)
            layout = layout with { Rows = layout.Rows + 1, ExtraRow = layout.Rows / 2 };
        int rows = images * layout.Rows;
        BackwardMethod method = BackwardMethods.Find(policy.Method);
        var layer = new Linear(inputs, outputs, HasBias: false);
        using TokenBlocks blocks = policy.BlocksOf(method, layout, images);
        using var inputProduct = new InputGradientProduct(
            policy.InputArithmetic(method, isSummand: false), policy.Scale, blocks, outputs, inputs, layout.Rows,
            images);
        using var weightProduct = new WeightGradientProduct(
            method.Weight, policy.BitsOfInput(method, layer), blocks, policy.Basis, outputs, inputs, images);
        using var transposed = new PackedFloatWeights(inputs, outputs);
        FloatTensor w = Random([outputs, inputs], 1), x = Random([rows, inputs], 2), y = Random([rows, outputs], 3);
        using var xGradient = new NativeBuffer<float>(rows * inputs);
        using var wGradient = new NativeBuffer<float>(outputs * inputs, zeroed: true);
        using var kept = new NativeBuffer<byte>((int)weightProduct.KeptBytes(images));
        using var scratch = new NativeBuffer<float>(
            Math.Max(
                FloatGemm.TransposedScratch(rows), Math.Max(inputProduct.ScratchLength, weightProduct.ScratchLength)));
        transposed.PackTransposed(w.Span);
        inputProduct.Prepare(w.Span);
        weightProduct.Keep(x.Pointer, inputs, images, kept.Pointer, scratch.Pointer, key: 3);
        double[] seconds = Alternating.Seconds(
            () => FloatGemm.Run(transposed, y.Pointer, outputs, xGradient.Pointer, inputs, 0, rows, accumulate: false),
            () => FloatGemm.AddTransposed(
                y.Pointer, outputs, x.Pointer, inputs, rows, outputs, inputs, wGradient.Pointer, scratch.Pointer),
            () => inputProduct.Run(
                y.Pointer, outputs, images, xGradient.Pointer, inputs, accumulate: false, scratch.Pointer, key: 1),
            () =>
                weightProduct.Add(kept.Pointer, y.Pointer, outputs, images, wGradient.Pointer, scratch.Pointer, key: 2),
            () => weightProduct.Keep(x.Pointer, inputs, images, kept.Pointer, scratch.Pointer, key: 3),
            () => transposed.PackTransposed(w.Span),
            () => inputProduct.Prepare(w.Span));
        double[] us = [.. seconds.Select(second => second * 1e6)];
        double exact = us[0] + us[1], hlq = us[2] + us[3];
        Console.WriteLine(
            $"  {name,-20} {rows,4}×{inputs,4}→{outputs,4}  exact {us[0],7:F0} + {us[1],7:F0}   hlq {us[2],6:F0} + "
            + $"{us[3],6:F0} (keep {us[4],5:F0})   "
            + $"{exact / hlq:F2} times as fast, with keeping {exact / (hlq + us[4]):F2}   pack {us[5],5:F0} / "
            + $"{us[6],5:F0}   kept {kept.Length / (4.0 * rows * inputs):P1}");
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    private static FloatTensor Random(Shape shape, ulong seed)
    {
        var random = new SeededRandom(seed);
        var tensor = new FloatTensor(shape);
        foreach (ref float value in tensor.Span)
            value = (float)random.NextNormal();
        return tensor;
    }
}
