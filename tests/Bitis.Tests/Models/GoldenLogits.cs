using Bitis.Checkpoints;
using Bitis.Execution.Sessions;
using Bitis.Graphs;

namespace Bitis.Tests.Models;

/// <summary>
/// The fast ways to compute a model, against the logits of the official implementation and against each other.
/// </summary>
internal static class GoldenLogits
{
    private const double Tolerance = 1e-4;

    public static void AssertEqual(VisionModel model, Checkpoint golden)
    {
        FloatTensor input = golden.Read("input"), logits = golden.Read("logits");
        using var evaluator = new VectorizedEvaluator();
        FloatTensor vectorized = new GraphExecutor(model.Graph, model.Weights, evaluator).Run(input);
        TensorAssert.Close(logits, vectorized, Tolerance, "vectorized");
        using InferenceSession session = InferenceSession.Create(model);
        TensorAssert.Same(vectorized, session.Run(input));
    }
}
