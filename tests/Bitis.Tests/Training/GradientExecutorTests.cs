using Bitis.Checkpoints;
using Bitis.Models;
using Bitis.Tensors;
using Bitis.Tests.Models;
using Bitis.Training;

namespace Bitis.Tests.Training;

/// <summary>The differentiable executor against the loss and gradients of the official implementation.</summary>
public sealed class GradientExecutorTests
{
    [Theory]
    [MemberData(nameof(VimVariants.Names), MemberType = typeof(VimVariants))]
    public void Loss_and_gradients_equal_the_official_ones(string name)
    {
        VisionModel model = VimVariants.Load(name);
        using Checkpoint golden = Checkpoint.Open(GoldenFiles.Path($"{name}.golden.safetensors"));
        Tensor input = golden.Read("input"), logits = golden.Read("logits"), labels = golden.Read("labels");
        Tensor targets = new(logits.Shape);
        for (int i = 0; i < labels.Length; i++)
            targets.Span[(i * logits.Shape[1]) + (int)labels.Span[i]] = 1;

        using var executor = new GradientExecutor(model.Graph, model.Weights);
        BatchLoss loss = executor.Run(input, targets);

        TensorAssert.Close(logits, loss.Logits, 1e-4, "logits");
        Assert.Equal(golden.Read("loss").Span[0], loss.Loss, 1e-4);
        string[] names = [.. golden.Entries.Select(entry => entry.Name).Where(entry => entry.StartsWith("grad."))];
        Assert.Equal(executor.Gradients.Keys.Order(), names.Select(entry => entry["grad.".Length..]).Order());
        foreach (string entry in names)
            TensorAssert.Close(golden.Read(entry), executor.Gradients[entry["grad.".Length..]], 1e-3, entry);
    }
}
