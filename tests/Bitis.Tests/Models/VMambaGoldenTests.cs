using Bitis.Checkpoints;
using Bitis.Graphs;

namespace Bitis.Tests.Models;

/// <summary>VMamba against the activations and logits of the official implementation.</summary>
public sealed class VMambaGoldenTests
{
    private const double Tolerance = 1e-4;

    [Theory]
    [MemberData(nameof(VMambaVariants.Names), MemberType = typeof(VMambaVariants))]
    public void The_reference_equals_the_official_activations(string name)
    {
        VisionModel model = VMambaVariants.Load(name);
        using Checkpoint golden = VMambaVariants.OpenGolden(name);
        var recorder = new RecordingEvaluator();
        FloatTensor logits = new GraphExecutor(model.Graph, model.Weights, recorder).Run(golden.Read("input"));

        TensorAssert.Close(golden.Read("logits"), logits, Tolerance, "logits");
        bool mapsAreFirst = golden.Metadata["norm_layer"] == "ln2d";
        string[] entries =
        [
            .. golden.Entries.Select(entry => entry.Name).Where(
                entry => entry.StartsWith("act.", StringComparison.Ordinal)),
        ];
        Assert.True(entries.Length > model.Graph.BlockCount * 2);
        foreach (string entry in entries)
        {
            FloatTensor expected = golden.Read(entry),
                actual = recorder.Values[NodeOf(entry["act.".Length..], recorder.Values)];
            TensorAssert.Close(mapsAreFirst ? ToTokens(expected) : expected, actual, Tolerance, entry);
        }
    }

    [Theory]
    [MemberData(nameof(VMambaVariants.Names), MemberType = typeof(VMambaVariants))]
    public void The_vectorized_evaluator_and_the_session_equal_the_official_logits(string name)
    {
        VisionModel model = VMambaVariants.Load(name);
        using Checkpoint golden = VMambaVariants.OpenGolden(name);
        GoldenLogits.AssertEqual(model, golden);
    }

    /// <summary>The node that computes what an official module does.</summary>
    private static string NodeOf(string module, Dictionary<string, FloatTensor> values)
    {
        string[] last = module switch
        {
            "patch_embed" => ["patch_embed.7", "patch_embed.2"],
            _ when module.EndsWith(".op", StringComparison.Ordinal) => [$"{module}.out_proj"],
            // After the last stage the official code has a module that does nothing.
            _ when module.EndsWith(".downsample", StringComparison.Ordinal) =>
                [
                    $"{module}.3",
                    $"{module}.reduction",
                    $"{module.Replace(".downsample", ".blocks.0", StringComparison.Ordinal)}",
                ],
            _ => [module],
        };
        return last.First(values.ContainsKey);
    }

    /// <summary><c>[batch, channels, height, width]</c> to <c>[batch, height·width, channels]</c>.</summary>
    private static FloatTensor ToTokens(FloatTensor maps) =>
        new Bitis.Graphs.Operators.Tokens.FlattenSpatial().Forward([maps], []);
}
