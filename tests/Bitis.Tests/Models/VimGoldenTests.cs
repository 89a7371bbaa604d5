using Bitis.Checkpoints;
using Bitis.Graphs;
using Bitis.Models.Catalogue;

namespace Bitis.Tests.Models;

/// <summary>Vim against the activations and logits of the official implementation.</summary>
public sealed class VimGoldenTests
{
    private const double Tolerance = 1e-4;

    [Theory]
    [MemberData(nameof(VimVariants.Names), MemberType = typeof(VimVariants))]
    public void The_reference_equals_the_official_activations(string name)
    {
        VisionModel model = VimVariants.Load(name);
        using Checkpoint golden = Checkpoint.Open(GoldenFiles.Path($"{name}.golden.safetensors"));
        var recorder = new RecordingEvaluator();
        FloatTensor logits = new GraphExecutor(model.Graph, model.Weights, recorder).Run(golden.Read("input"));

        TensorAssert.Close(golden.Read("logits"), logits, Tolerance, "logits");
        TensorAssert.Close(golden.Read("act.patch_embed"), recorder.Values["patch_embed"], Tolerance, "patch_embed");
        for (int i = 0; i < model.Graph.BlockCount; i++)
        {
            TensorAssert.Close(
                golden.Read($"act.layers.{i}.mixer"),
                recorder.Values[$"layers.{i}.mixer.out_proj"],
                Tolerance,
                $"mixer {i}");
            string residual = i == 0 ? "pos_embed" : $"layers.{i}.residual";
            TensorAssert.Close(
                golden.Read($"residual.layers.{i}"), recorder.Values[residual], Tolerance, $"residual {i}");
        }
    }

    [Theory]
    [MemberData(nameof(VimVariants.Names), MemberType = typeof(VimVariants))]
    public void The_vectorized_evaluator_and_the_session_equal_the_official_logits(string name)
    {
        VisionModel model = VimVariants.Load(name);
        using Checkpoint golden = Checkpoint.Open(GoldenFiles.Path($"{name}.golden.safetensors"));
        GoldenLogits.AssertEqual(model, golden);
    }

    [Theory]
    [InlineData("vim-micro.pth", 0)]
    [InlineData("vim-micro.legacy.pth", 0)]
    [InlineData("vim-micro.safetensors", 0)]
    [InlineData("vim-micro.fp16.pth", 5e-3)]
    public void Every_file_form_gives_the_model(string file, double tolerance)
    {
        using Checkpoint golden = Checkpoint.Open(GoldenFiles.Path("vim-micro.golden.safetensors"));
        using InferenceSession session = InferenceSession.Load(GoldenFiles.Path(file));
        TensorAssert.Close(golden.Read("logits"), session.Run(golden.Read("input")), Math.Max(tolerance, Tolerance));
    }

    [SharedFact("golden/vim-tiny-random.fp16.pth")]
    public void The_full_size_tiny_model_equals_the_official_logits()
    {
        using Checkpoint golden = Checkpoint.Open(SharedFiles.Find("golden/vim-tiny-random.golden.safetensors")!);
        VisionModel model = VisionModel.Load(SharedFiles.Find("golden/vim-tiny-random.fp16.pth")!);
        FloatTensor input = golden.Read("input"), logits = golden.Read("logits");
        Assert.Equal(ModelCatalogue.Get("vim-tiny").Config, model.Config);
        using InferenceSession session = InferenceSession.Create(model);
        TensorAssert.Close(logits, session.Run(input), Tolerance, "session");
        TensorAssert.Close(
            logits,
            new GraphExecutor(model.Graph, model.Weights, ReferenceEvaluator.Instance).Run(input),
            Tolerance,
            "reference");
    }
}
