using Bitis.Data.BuiltIn;
using Bitis.Data.Decoding;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Models;
using Bitis.Models.Catalogue;
using Bitis.Models.LocalMamba;
using Bitis.Tensors;
using Bitis.Tests.Models;
using Bitis.Tests.Quantization;

namespace Bitis.Tests.Runtime;

public sealed class InferenceSessionTests
{
    [Fact]
    public void Logits_depend_neither_on_threads_nor_on_the_batch()
    {
        VisionModel model = VimVariants.Load("vim-micro");
        FloatTensor images = RandomImages(model.Config, 7);
        FloatTensor expected = RunWith(model, images, threads: 1);
        foreach (int threads in new[] { 2, 3, 8 })
            TensorAssert.Same(expected, RunWith(model, images, threads));

        using InferenceSession session = InferenceSession.Create(model, new SessionOptions { Threads = 2 });
        int size = images.Length / 7;
        for (int i = 0; i < 7; i++)
        {
            FloatTensor one = FloatTensor.From(model.Config.InputShape.Prepend(1), images.Span.Slice(i * size, size));
            Assert.Equal(expected.Span.Slice(i * 10, 10).ToArray(), session.Run(one).Span.ToArray());
        }
        Assert.Equal(0, session.Run(new FloatTensor(model.Config.InputShape.Prepend(0))).Length);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void A_pixel_that_is_not_finite_is_refused_by_its_place(float value)
    {
        VisionModel model = VimVariants.Load("vim-micro");
        FloatTensor images = RandomImages(model.Config, 3);
        int width = model.Config.InputShape[2], plane = model.Config.InputShape[1] * width;
        images.Span[(images.Length / 3) + (2 * plane) + (4 * width) + 5] = value;
        using InferenceSession session = InferenceSession.Create(model, new SessionOptions { Threads = 2 });
        string expected = $"Image 1 of the batch holds {value} at [2, 4, 5]";
        Assert.Contains(expected, Assert.Throws<BitisException>(() => session.Run(images)).Message);
        FloatTensor one = FloatTensor.From(
            model.Config.InputShape.Prepend(1), images.Span.Slice(images.Length / 3, images.Length / 3));
        Assert.Contains("Image 0", Assert.Throws<BitisException>(() => session.Profile(one)).Message);
        Assert.Throws<BitisException>(
            () => new GraphExecutor(model.Graph, model.Weights, ReferenceEvaluator.Instance).Run(images));
        Assert.Throws<BitisException>(
            () => PostTrainingQuantizer.Quantize(
                model, CalibrationSet.FromTensors(images), new Recipe { Method = "minmax" }));
        Assert.Throws<BitisException>(
            () => PostTrainingQuantizer.Quantize(
                model, CalibrationSet.FromTensors(images), new Recipe { Method = "ptq4vm" }));
        images.Span[(images.Length / 3) + (2 * plane) + (4 * width) + 5] = 0;
        Assert.Equal(-1, session.Run(images).Span.IndexOfAnyExceptInRange(float.MinValue, float.MaxValue));
    }

    [Fact]
    public void A_weight_that_is_not_finite_is_refused_by_its_name()
    {
        VisionModel model = VimVariants.Load("vim-micro");
        string name = model.Weights.Keys.First(key => key.Contains("norm", StringComparison.Ordinal));
        var weights = new Dictionary<string, FloatTensor>(model.Weights) { [name] = model.Weights[name].Clone() };
        weights[name].Span[3] = float.PositiveInfinity;
        BitisException e = Assert.Throws<BitisException>(() => InferenceSession.Create(model.WithWeights(weights)));
        Assert.Contains(name, e.Message);
        Assert.Contains("element 3", e.Message);
    }

    [Fact]
    public void A_photograph_whose_answer_is_not_finite_is_an_error()
    {
        VisionModel model = VimVariants.Load("vim-micro");
        var weights = new Dictionary<string, FloatTensor>(model.Weights);
        string bias = model.Graph.Output.ParameterNames[1], weight = model.Graph.Output.ParameterNames[0];
        weights[bias] = weights[bias].Clone();
        weights[weight] = weights[weight].Clone();
        weights[bias].Span.Fill(3e38f);
        weights[weight].Span.Fill(3e38f);
        using InferenceSession session = InferenceSession.Create(model.WithWeights(weights));
        var image = PixelImage.Rgb(40, 40, new byte[40 * 40 * 3]);
        Assert.Contains("Image 0", Assert.Throws<BitisException>(() => session.Classify(image)).Message);
    }

    [Fact]
    public void Calls_from_several_threads_get_the_same_bits()
    {
        VisionModel model = VimVariants.Load("vim-micro");
        FloatTensor images = RandomImages(model.Config, 3);
        using InferenceSession session = InferenceSession.Create(model, new SessionOptions { Threads = 2 });
        FloatTensor expected = session.Run(images);
        Parallel.For(0, 16, _ => TensorAssert.Same(expected, session.Run(images)));
    }

    [Fact]
    public void Only_operators_that_have_a_kernel_are_in_a_vim_plan()
    {
        foreach (object[] row in (IEnumerable<object[]>)VimVariants.Names)
        {
            using InferenceSession session = InferenceSession.Create(VimVariants.Load((string)row[0]));
            Assert.DoesNotContain(session.Plan.Operations, step => step.Kind.Contains("reference"));
        }
    }

    [Fact]
    public void A_quantized_layer_runs_the_step_that_writes_its_input()
    {
        VisionModel model = VimVariants.Load("vim-micro");
        QuantizedModel quantized = MicroModel.Quantize(model, new Recipe { Method = "minmax", Bits = new(8, 8) });
        using InferenceSession session = InferenceSession.Create(quantized);
        string[] kinds = [.. session.Plan.Operations.Select(step => step.Kind)];
        Assert.Equal(
            model.Graph.BlockCount, kinds.Count(kind => kind.EndsWith("norm + linear int8", StringComparison.Ordinal)));
        Assert.Equal(model.Graph.BlockCount, kinds.Count(kind => kind == "gate + linear int8"));
        Assert.DoesNotContain("gate", kinds);
    }

    [Fact]
    public void Values_that_live_together_never_share_memory()
    {
        var random = new SeededRandom(5);
        for (int round = 0; round < 50; round++)
        {
            var blocks = new List<ArenaBlock>();
            for (int i = 0; i < 40; i++)
            {
                var block = new ArenaBlock(random.NextInt32(5000));
                int start = random.NextInt32(30);
                block.Touch(start);
                block.Touch(start + random.NextInt32(6));
                blocks.Add(block);
            }
            long size = ArenaPlanner.Place(blocks).Bytes;
            foreach (ArenaBlock a in blocks)
            {
                Assert.Equal(0, a.Offset % FloatTensor.Alignment);
                Assert.True(a.Offset + a.Bytes <= size);
                foreach (ArenaBlock b in blocks.Where(b => b != a && a.OverlapsInTime(b)))
                    Assert.True(a.Offset + a.Bytes <= b.Offset || b.Offset + b.Bytes <= a.Offset);
            }
        }
    }

    [Fact]
    public void Graphs_that_nothing_is_fused_in_run_through_the_reference()
    {
        // Every operator in a place where the compiler's patterns do not match: values used twice, orders mixed.
        var builder = new GraphBuilder([3, 8, 8]);
        Node map = builder.Add("conv", new Conv2d(3, 4, 2, 2, 0, HasBias: true), builder.Input);
        Node tokens = builder.Add("tokens", new FlattenSpatial(), map);
        Node reversed = builder.Add("reversed", new ReverseTokens(), tokens);
        Node both = builder.Add("both", new Add(), tokens, reversed);
        Node gate = builder.Add("gate", new Silu(), reversed);
        Node gated = builder.Add("gated", new Multiply(), both, gate);
        Node again = builder.Add("again", new Add(), gate, reversed);
        Node convolved = builder.Add("causal", new CausalConv1d(4, 3), again);
        Node twice = builder.Add("twice", new Add(), convolved, convolved);
        Node scaled = builder.Add("scaled", new Scale(0.25f), twice);
        Node soft = builder.Add("soft", new Softplus(), gated);
        Node mixed = builder.Add("mixed", new Multiply(), soft, scaled);
        Node normed = builder.Add("norm", new LayerNorm(4, 1e-5f), mixed);
        Node sum = builder.Add("sum", new Add(), mixed, normed);
        Node slice = builder.Add("slice", new SliceChannels(1, 3), sum);
        Node pooled = builder.Add("pooled", new MeanTokens(), slice);
        Node second = builder.Add("second", new SelectToken(2), slice);
        Graph graph = builder.Build(
            builder.Add("out", new Linear(3, 5, HasBias: true), builder.Add("top", new Add(), pooled, second)));

        AssertPlanEqualsReference(graph);
    }

    [Fact]
    public void A_softplus_survives_a_scan_that_cannot_be_fused()
    {
        // u in one order, Δ in the other: the scan runs through the reference, and so must the softplus before it.
        var builder = new GraphBuilder([3, 4, 4]);
        Node tokens = builder.Add("tokens", new FlattenSpatial(), builder.Input);
        Node u = builder.Add("u", new ReverseTokens(), tokens);
        Node delta = builder.Add("delta", new Softplus(), builder.Add("dt", new Linear(3, 3, HasBias: true), tokens));
        Node b = builder.Add("b", new SliceChannels(0, 2), tokens),
            c = builder.Add("c", new SliceChannels(1, 2), tokens);
        AssertPlanEqualsReference(builder.Build(builder.Add("scan", new SelectiveScan(3, 2), u, delta, b, c)));
    }

    [Fact]
    public void A_scan_with_more_states_than_kernels_take_runs_through_the_reference()
    {
        const int States = SelectiveScan.MaxKernelStates + 1;
        var builder = new GraphBuilder([2, 2, 3]);
        Node tokens = builder.Add("tokens", new FlattenSpatial(), builder.Input);
        Node wide = builder.Add("wide", new Linear(2, 2 * States, HasBias: false), tokens);
        Node delta = builder.Add("delta", new Softplus(), tokens);
        Node b = builder.Add("b", new SliceChannels(0, States), wide),
            c = builder.Add("c", new SliceChannels(States, States), wide);
        AssertPlanEqualsReference(
            builder.Build(builder.Add("scan", new SelectiveScan(2, States), tokens, delta, b, c)));
    }

    [Fact]
    public void A_gate_never_overwrites_what_others_still_read()
    {
        var builder = new GraphBuilder([4, 4, 4]);
        Node tokens = builder.Add("tokens", new FlattenSpatial(), builder.Input);
        Node x = builder.Add("x", new SliceChannels(0, 2), tokens),
            z = builder.Add("z", new SliceChannels(2, 2), tokens);
        Node gated = builder.Add("gated", new Multiply(), x, builder.Add("gate", new Silu(), z));
        Node later = builder.Add("later", new SliceChannels(0, 2), tokens);
        AssertPlanEqualsReference(builder.Build(builder.Add("sum", new Add(), gated, later)));
    }

    /// <summary>Orders of tokens with readers of all kinds, and how many of them are copied.</summary>
    public static TheoryData<string, int> Arrangements => new()
    {
        { "answer", 1 }, { "product", 0 }, { "product for a layer", 0 }, { "product for both", 0 }, { "other factor",
        1 }, { "gate", 1 },
        { "sum", 0 }, { "first of a sum", 1 }, { "norm", 1 }, { "two readers", 1 }, { "gated sum", 0 },
        { "convolution", 0 },
        { "convolution without silu", 0 }, { "convolution from the end", 0 }, { "reversed for others", 1 },
        { "zeros for a mean", 1 },
    };

    [Theory]
    [MemberData(nameof(Arrangements))]
    public void Tokens_in_other_orders_are_read_through_index_maps_or_copied(string readers, int copies)
    {
        var builder = new GraphBuilder([4, 3, 3]);
        Node tokens = builder.Add("tokens", new FlattenSpatial(), builder.Input);
        Node x = Linear("x", tokens), z = Linear("z", tokens);
        var windows = new ArrangeTokens(ScanDirection.Parse("w2").Arrange(grid: 3, classToken: null));
        ArrangeTokens columns = ArrangeTokens.ByColumn(3, 3);
        Node Arranged() => builder.Add("arranged", columns, x);
        Node Windows() => builder.Add("windows", windows, x);
        Node output = readers switch
        {
            "answer" => Arranged(),
            "product" => builder.Add("product", new Multiply(), Arranged(), z),
            "product for a layer" => Linear("after", builder.Add("product", new Multiply(), Arranged(), z)),
            "product for both" => Product(builder.Add("product", new Multiply(), Arranged(), z)),
            "other factor" => builder.Add("product", new Multiply(), z, Arranged()),
            "gate" => builder.Add("product", new Multiply(), Arranged(), builder.Add("silu", new Silu(), z)),
            "sum" => builder.Add("sum", new Add(), z, Arranged()),
            "first of a sum" => builder.Add("sum", new Add(), Arranged(), z),
            "norm" => builder.Add("norm", new LayerNorm(4, 1e-5f), Arranged()),
            "two readers" => Twice(Arranged()),
            "gated sum" => Product(Arranged()),
            "convolution" => builder.Add("silu", new Silu(), builder.Add("causal", new CausalConv1d(4, 3), Windows())),
            "convolution without silu" => builder.Add("causal", new CausalConv1d(4, 4), Windows()),
            "convolution from the end" => Mean(
                builder.Add("silu", new Silu(), builder.Add("causal", new CausalConv1d(4, 4), Reversed(Windows())))),
            "reversed for others" => Mean(Linear("after", Reversed(Windows()))),
            _ => builder.Add("means", new MeanOfNorms(4, 1e-5f), Windows(), z),
        };
        Graph graph = builder.Build(output);
        AssertPlanEqualsReference(
            graph, plan => Assert.Equal(copies, plan.Operations.Count(step => step.Kind == "token order")));

        Node Linear(string name, Node input) => builder.Add(name, new Linear(4, 4, HasBias: true), input);
        Node Mean(Node input) => builder.Add("mean", new MeanTokens(), input);
        Node Reversed(Node input) => builder.Add("reversed", new ReverseTokens(), input);
        Node Twice(Node input) =>
            builder.Add("twice", new Add(), Linear("left", input), builder.Add("right", new Multiply(), input, z));
        Node Product(Node input) =>
            builder.Add("gated", new GatedSum(), builder.Add("means", new MeanOfNorms(4, 1e-5f), z, input), z, input);
    }

    [Fact]
    public void A_profile_has_every_step_and_leaves_the_session_as_it_was()
    {
        VisionModel model = VimVariants.Load("vim-micro");
        using InferenceSession session = InferenceSession.Create(model, new SessionOptions { Threads = 2 });
        FloatTensor images = RandomImages(model.Config, 1), before = session.Run(images);
        IReadOnlyList<OperationTime> profile = session.Profile(images);
        Assert.Equal(session.Plan.Operations.Select(step => step.Name), profile.Select(step => step.Node));
        Assert.All(profile, step => Assert.True(step.Time > TimeSpan.Zero));
        TensorAssert.Same(before, session.Run(images));
        Assert.Throws<ArgumentException>(() => session.Profile(RandomImages(model.Config, 2)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_run_allocates_its_answer_alone(int threads)
    {
        VisionModel model = VimVariants.Load("vim-micro");
        FloatTensor images = RandomImages(model.Config, 3);
        QuantizedModel quantized = PostTrainingQuantizer.Quantize(
            model, CalibrationSet.FromTensors(images), new Recipe { Bits = BitWidths.Parse("w4a8") });
        using InferenceSession original = InferenceSession.Create(model, new SessionOptions { Threads = threads });
        using InferenceSession integers = InferenceSession.Create(quantized, new SessionOptions { Threads = threads });
        foreach (InferenceSession session in (InferenceSession[])[original, integers])
        {
            for (int i = 0; i < 3; i++)
                session.Run(images);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 10; i++)
                session.Run(images);
            long each = (GC.GetAllocatedBytesForCurrentThread() - before) / 10;
            int guard = GuardedMemory.Mode == GuardMode.Off ? 0 : 3 * Environment.SystemPageSize;
            Assert.InRange(each, 0, 4096 + guard); // the logits; all values of an image would be 100 times as much
        }
    }

    [Fact]
    public void Photographs_are_classified_together_as_they_are_alone()
    {
        using InferenceSession session = InferenceSession.Create(VisionModel.LoadShipped("vim-micro-builtin"));
        using var source = new BuiltInImageSource(BuiltInSplit.Test, count: 5);
        PixelImage[] images = [.. Enumerable.Range(0, 5).Select(i => source.Read(i))];
        IReadOnlyList<IReadOnlyList<Prediction>> together = session.Classify(images, count: 3);
        Assert.Equal(images.Select(image => session.Classify(image, count: 3)), together);
        Assert.All(together, answers => Assert.Equal(3, answers.Count));
        Assert.Contains(together, answers => answers[0].Name == "triangle");
        Assert.Empty(session.Classify([], count: 3));
    }

    [Fact]
    public void A_disposed_session_says_so()
    {
        InferenceSession session = InferenceSession.Create(VimVariants.Load("vim-micro"));
        session.Dispose();
        session.Dispose();
        Assert.Throws<ObjectDisposedException>(() => session.Run(new FloatTensor([1, 3, 32, 32])));
    }

    [Fact]
    public void Images_of_another_shape_are_refused()
    {
        using InferenceSession session = InferenceSession.Create(VimVariants.Load("vim-micro"));
        Assert.Contains(
            "[batch, 3, 32, 32]",
            Assert.Throws<ArgumentException>(() => session.Run(new FloatTensor([1, 3, 16, 32]))).Message);
    }

    [Fact]
    public void Spans_of_other_lengths_are_refused_before_anything_is_written()
    {
        using InferenceSession session = InferenceSession.Create(VimVariants.Load("vim-micro"));
        const int Length = 3 * 32 * 32;
        float[] images = new float[3 * Length], logits = new float[30];
        Assert.Contains("3071 values are not whole images", Refused(2, Length - 1, 10));
        Assert.Contains("[batch, 3, 32, 32], 3072 values for each", Refused(2, Length - 1, 10));
        Assert.Contains("has 10 values; 20 were expected, 10 for each of 2 images", Refused(0, 2 * Length, 10));
        Assert.Contains("has 21 values; 20 were expected", Refused(0, 2 * Length, 21));
        Assert.Contains("must not share memory", Assert.Throws<ArgumentException>(
            () => session.Run(images.AsSpan(0, Length), images.AsSpan(Length - 1, 10))).Message);
        Assert.All(logits, value => Assert.Equal(0, value));
        session.Run([], []);
        session.Run(images, logits);
        Assert.Equal(session.Run(FloatTensor.From([3, 3, 32, 32], images)).Span.ToArray(), logits);
        images[Length + 7] = float.NaN;
        BitisException e = Assert.Throws<BitisException>(() => session.Run(images, logits));
        Assert.Contains("Image 1 of the batch holds NaN at [0, 0, 7]", e.Message);

        string Refused(int start, int length, int answers) => Assert.Throws<ArgumentException>(
            () => session.Run(images.AsSpan(start, length), logits.AsSpan(0, answers))).Message;
    }

    [Fact]
    public void Cancellation_ends_a_run()
    {
        using InferenceSession session = InferenceSession.Create(VimVariants.Load("vim-micro"));
        Assert.Throws<OperationCanceledException>(
            () => session.Run(new FloatTensor([4, 3, 32, 32]), new CancellationToken(canceled: true)));
        Assert.Equal(40, session.Run(new FloatTensor([4, 3, 32, 32])).Length);
    }

    private static void AssertPlanEqualsReference(Graph graph, Action<Plan>? assert = null)
    {
        var random = new SeededRandom(9);
        Dictionary<string, FloatTensor> weights = graph.Parameters.ToDictionary(
            p => p.Name, p => RandomTensor(p.Shape, random));
        FloatTensor image = RandomTensor(graph.Input.Shape.Prepend(1), random);
        FloatTensor expected = new GraphExecutor(graph, weights, ReferenceEvaluator.Instance).Run(image);
        using Plan plan = PlanBuilder.Build(graph, weights);
        TensorAssert.Close(expected, RunPlan(plan, image), 1e-5);
        assert?.Invoke(plan);
    }

    private static unsafe FloatTensor RunPlan(Plan plan, FloatTensor image)
    {
        using var arena = new Arena(plan.Layout);
        image.Span.CopyTo(new Span<float>(plan.Inputs[0].Pointer(arena.Addresses), image.Length));
        foreach (CompiledOperation step in plan.Operations)
            step.Run(arena.Addresses, 0, step.Units);
        FloatTensor output = FloatTensor.Uninitialized([plan.Output.Rows, plan.Output.Columns]);
        for (int row = 0; row < plan.Output.Rows; row++)
            plan.Output.Row(row).MemoryRow(arena.Addresses, 0).CopyTo(output.Span[(row * plan.Output.Columns)..]);
        return output;
    }

    private static FloatTensor RunWith(VisionModel model, FloatTensor images, int threads)
    {
        using InferenceSession session = InferenceSession.Create(model, new SessionOptions { Threads = threads });
        return session.Run(images);
    }

    private static FloatTensor RandomImages(ModelConfig config, int count) =>
        RandomTensor(config.InputShape.Prepend(count), new SeededRandom(3));

    private static FloatTensor RandomTensor(Shape shape, SeededRandom random)
    {
        var tensor = new FloatTensor(shape);
        foreach (ref float value in tensor.Span)
            value = (float)random.NextNormal();
        return tensor;
    }

    [Fact]
    public void At_least_one_class_is_asked_for()
    {
        using InferenceSession session = InferenceSession.Create(VisionModel.LoadShipped("vim-micro-builtin"));
        using var source = new BuiltInImageSource(BuiltInSplit.Test);
        PixelImage image = source.Read(0);
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Classify(image, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => { _ = session.ClassifyAsync([image], -3); });
        Assert.Throws<ArgumentNullException>(() => VisionModel.LoadShipped(null!));
    }
}
