using Bitis.Checkpoints;
using Bitis.Models.Catalogue;
using Bitis.Models.Detection;
using Bitis.Models.Vim;
using Bitis.Tensors;
using Bitis.Tests.Models;
using Bitis.Training;
using Bitis.Training.Losses;

namespace Bitis.Tests.Training;

/// <summary>The differentiable executor against the loss and gradients of the official implementation.</summary>
public sealed class GradientExecutorTests
{
    [Theory]
    [MemberData(nameof(VimVariants.Names), MemberType = typeof(VimVariants))]
    public void Loss_and_gradients_equal_the_official_ones(string name)
    {
        using Checkpoint golden = Checkpoint.Open(GoldenFiles.Path($"{name}.golden.safetensors"));
        AssertGradients(VimVariants.Load(name), golden);
    }

    [Theory]
    [MemberData(nameof(VMambaVariants.Names), MemberType = typeof(VMambaVariants))]
    public void Loss_and_gradients_of_a_VMamba_equal_the_official_ones(string name)
    {
        using Checkpoint golden = VMambaVariants.OpenGolden(name);
        AssertGradients(VMambaVariants.Load(name), golden);
    }

    [Theory]
    [MemberData(nameof(LocalVariants.Names), MemberType = typeof(LocalVariants))]
    public void Loss_and_gradients_of_local_scans_equal_the_official_ones(string name)
    {
        using Checkpoint golden = LocalVariants.OpenGolden(name);
        AssertGradients(LocalVariants.Load(name), golden);
    }

    [Fact]
    public void Threads_do_not_change_a_bit()
    {
        VisionModel model = VisionModel.CreateRandom(SmallModels.Get("vim-micro", classes: 10), seed: 1);
        (FloatTensor images, FloatTensor targets) = Batch(model, 13);
        using var one = new GradientExecutor(model.Graph, model.Weights, threads: 1);
        BatchLoss expected = one.Run(images, targets);
        foreach (int threads in new[] { 2, 3, 16 })
        {
            using var several = new GradientExecutor(model.Graph, model.Weights, threads);
            BatchLoss actual = several.Run(images, targets);
            Assert.Equal(expected.Loss, actual.Loss);
            Assert.Equal(expected.Logits.Span, actual.Logits.Span);
            foreach ((string name, FloatTensor gradient) in one.Gradients)
            {
                Assert.True(
                    gradient.Span.SequenceEqual(several.Gradients[name].Span), $"{name} with {threads} threads");
            }
        }
    }

    [Fact]
    public void A_pixel_that_is_not_finite_is_refused()
    {
        VisionModel model = VisionModel.CreateRandom(SmallModels.Get("vim-micro", classes: 10), seed: 1);
        (FloatTensor images, FloatTensor targets) = Batch(model, 3);
        images.Span[(2 * images.Length / 3) + 1] = float.NaN;
        using var executor = new GradientExecutor(model.Graph, model.Weights, threads: 1);
        BitisException e = Assert.Throws<BitisException>(() => executor.Run(images, targets));
        Assert.Contains("Image 2 of the batch holds NaN at [0, 0, 1]", e.Message);
    }

    [Fact]
    public void A_second_run_forgets_the_first()
    {
        VisionModel model = VisionModel.CreateRandom(SmallModels.Get("vim-micro", classes: 10), seed: 1);
        (FloatTensor images, FloatTensor targets) = Batch(model, 5);
        using var executor = new GradientExecutor(model.Graph, model.Weights);
        executor.Run(images, targets);
        Dictionary<string, FloatTensor> first = executor.Gradients.ToDictionary(
            pair => pair.Key, pair => pair.Value.Clone());
        (FloatTensor others, FloatTensor otherTargets) = Batch(model, 9);
        executor.Run(others, otherTargets);
        executor.Run(images, targets);
        foreach ((string name, FloatTensor gradient) in first)
            Assert.True(gradient.Span.SequenceEqual(executor.Gradients[name].Span), name);
    }

    [Fact]
    public void Memory_grows_in_proportion_to_the_tokens_and_not_with_the_states()
    {
        VimConfig config = (VimConfig)SmallModels.Get("vim-micro", classes: 10);
        // 17 and 65 tokens of four images each; of larger images a micro-batch holds fewer.
        long small = MicroBatchBytes(config with { ImageSize = 16 }), large = MicroBatchBytes(config);
        Assert.InRange((double)large / small, 3.4, 3.9);

        // All hidden states, [tokens, channels, states], of the images of a micro-batch in both directions of all
        // layers.
        long states = 4L * (64 + 1) * config.InnerWidth * config.StateSize * 2 * config.Depth * sizeof(float);
        Assert.True(large < states / 2, $"{large} bytes, the states alone are {states}");

        static long MicroBatchBytes(VimConfig config)
        {
            VisionModel model = VisionModel.CreateRandom(config, seed: 1);
            using var executor = new GradientExecutor(model.Graph, model.Weights, threads: 1);
            return executor.MicroBatchBytes;
        }
    }

    private static void AssertGradients(VisionModel model, Checkpoint golden)
    {
        FloatTensor input = golden.Read("input"), logits = golden.Read("logits"), labels = golden.Read("labels");
        FloatTensor targets = new(logits.Shape);
        for (int i = 0; i < labels.Length; i++)
            targets.Span[(i * logits.Shape[1]) + (int)labels.Span[i]] = 1;

        using var executor = new GradientExecutor(model.Graph, model.Weights);
        BatchLoss loss = executor.Run(input, targets);

        TensorAssert.Close(logits, loss.Logits, 1e-4, "logits");
        Assert.Equal(golden.Read("loss").Span[0], loss.Loss, 1e-4);
        Dictionary<string, FloatTensor> gradients = new CheckpointLayout(model.Config, model.Graph)
            .Join(executor.Gradients);
        string[] names = [.. golden.Entries.Select(entry => entry.Name).Where(entry => entry.StartsWith("grad."))];
        Assert.Equal(gradients.Keys.Order(), names.Select(entry => entry["grad.".Length..]).Order());
        foreach (string entry in names)
            TensorAssert.Close(golden.Read(entry), gradients[entry["grad.".Length..]], 1e-3, entry);
    }

    private static (FloatTensor Images, FloatTensor Targets) Batch(VisionModel model, int count)
    {
        int size = model.Config.ImageSize, classes = model.Config.Classes;
        FloatTensor targets = new([count, classes]);
        for (int i = 0; i < count; i++)
            targets.Span[(i * classes) + (i % classes)] = 1;
        return (FloatTensor.From([count, 3, size, size], Sample.Floats(count, count * 3 * size * size)), targets);
    }
}
