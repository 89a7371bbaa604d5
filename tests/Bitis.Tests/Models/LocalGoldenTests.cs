using Bitis.Checkpoints;
using Bitis.Graphs;
using Bitis.Tensors;

namespace Bitis.Tests.Models;

/// <summary>LocalVim and LocalVMamba against the activations and logits of the official implementation.</summary>
public sealed class LocalGoldenTests
{
    private const double Tolerance = 1e-4;

    [Theory]
    [MemberData(nameof(LocalVariants.Names), MemberType = typeof(LocalVariants))]
    public void The_reference_equals_the_official_activations(string name)
    {
        VisionModel model = LocalVariants.Load(name);
        using Checkpoint golden = LocalVariants.OpenGolden(name);
        var recorder = new RecordingEvaluator();
        FloatTensor logits = new GraphExecutor(model.Graph, model.Weights, recorder).Run(golden.Read("input"));

        TensorAssert.Close(golden.Read("logits"), logits, Tolerance, "logits");
        string[] entries =
        [
            .. golden.Entries.Select(entry => entry.Name).Where(
                entry => entry.StartsWith("act.", StringComparison.Ordinal)),
        ];
        Assert.True(entries.Length > model.Graph.BlockCount);
        foreach (string entry in entries)
        {
            FloatTensor expected = golden.Read(entry);
            int channels = expected.Shape[^1], batch = expected.Shape[0];
            TensorAssert.Close(
                expected.Reshape([batch, expected.Length / batch / channels, channels]), recorder.Values[
                    NodeOf(entry["act.".Length..])], Tolerance, entry);
        }

        string NodeOf(string module) => module switch
        {
            "patch_embed" when name.StartsWith("localvmamba", StringComparison.Ordinal) => "patch_embed.2",
            _ when module.EndsWith(".op", StringComparison.Ordinal)
                || module.EndsWith(".mixer", StringComparison.Ordinal) => $"{module}.out_proj",
            _ => module,
        };
    }

    [Theory]
    [MemberData(nameof(LocalVariants.Names), MemberType = typeof(LocalVariants))]
    public void The_vectorized_evaluator_and_the_session_equal_the_official_logits(string name)
    {
        using Checkpoint golden = LocalVariants.OpenGolden(name);
        GoldenLogits.AssertEqual(LocalVariants.Load(name), golden);
    }
}
