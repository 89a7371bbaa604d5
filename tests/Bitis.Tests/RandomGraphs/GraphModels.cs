using Bitis.Execution.Planning;
using Bitis.Execution.Sessions;
using Bitis.Graphs;
using Bitis.Kernels.Rounding;
using Bitis.Quantization;
using Bitis.Tensors;
using Bitis.Training;
using Bitis.Training.Losses;

namespace Bitis.Tests.RandomGraphs;

/// <summary>
/// How a graph gets into sessions, training and quantization. Everything of the library that these tests enter is here.
/// </summary>
internal static class GraphModels
{
    private static readonly SessionOptions OneThread = new() { Threads = 1 };

    /// <summary>A graph as a model.</summary>
    public static VisionModel Of(Graph graph, Dictionary<string, FloatTensor> weights) =>
        VisionModel.FromGraph(graph, weights);

    /// <summary>What the operators' own forwards compute.</summary>
    public static FloatTensor Reference(
        Graph graph, IReadOnlyDictionary<string, FloatTensor> weights, FloatTensor images) =>
        new GraphExecutor(graph, weights, ReferenceEvaluator.Instance).Run(images);

    /// <summary>What a session computes; for an output with tokens, what its plan does.</summary>
    public static FloatTensor Session(Graph graph, Dictionary<string, FloatTensor> weights, FloatTensor images)
    {
        if (graph.Output.Shape.Rank != 1)
        {
            using Plan plan = PlanBuilder.Build(graph, weights);
            return Run(plan, graph, images);
        }
        using InferenceSession session = InferenceSession.Create(Of(graph, weights), OneThread);
        return session.Run(images);
    }

    /// <summary>What the gradient executor's forward computes.</summary>
    public static FloatTensor Training(
        Graph graph, IReadOnlyDictionary<string, FloatTensor> weights, FloatTensor images, FloatTensor targets) =>
        Gradients(graph, weights, images, targets).Logits;

    /// <summary>The gradient executor's loss, logits and gradients.</summary>
    public static (double Loss, FloatTensor Logits, IReadOnlyDictionary<string, FloatTensor> Gradients) Gradients(
        Graph graph, IReadOnlyDictionary<string, FloatTensor> weights, FloatTensor images, FloatTensor targets)
    {
        using var executor = new GradientExecutor(graph, weights, threads: 1);
        BatchLoss loss = executor.Run(images, targets);
        return (loss.Loss, loss.Logits, executor.Gradients);
    }

    /// <summary>A quantized model.</summary>
    public static QuantizedModel Quantize(
        Graph graph, Dictionary<string, FloatTensor> weights, FloatTensor images, Recipe recipe) =>
        PostTrainingQuantizer.Quantize(
            Of(graph, weights), CalibrationSet.FromTensors(images), recipe, new QuantizationOptions { Threads = 1 });

    /// <summary>What a session of a quantized model computes, in integers.</summary>
    public static FloatTensor Session(QuantizedModel model, FloatTensor images)
    {
        using InferenceSession session = InferenceSession.Create(model, OneThread);
        return session.Run(images);
    }

    /// <summary>What the simulation of a quantized model computes.</summary>
    public static FloatTensor Simulate(QuantizedModel model, FloatTensor images)
    {
        using var evaluator = new VectorizedEvaluator(threads: 1);
        return new GraphExecutor(
            model.Graph,
            model.DequantizeWeights(),
            new SimulatedEvaluator(evaluator, model.Layers, model.Scans)).Run(images);
    }

    private static unsafe FloatTensor Run(Plan plan, Graph graph, FloatTensor images)
    {
        int batch = images.Shape[0], size = images.Length / batch, length = (int)graph.Output.Shape.ElementCount;
        FloatTensor result = new(graph.Output.Shape.Prepend(batch));
        using var arena = new Arena(plan.Layout);
        ArenaAddresses memory = arena.Addresses;
        ArenaMatrix y = plan.Output;
        for (int image = 0; image < batch; image++)
        {
            images.Span.Slice(image * size, size).CopyTo(new Span<float>(plan.Inputs[0].Pointer(memory), size));
            foreach (CompiledOperation step in plan.Operations)
                step.Run(memory, 0, step.Units);
            for (int row = 0; row < y.Rows; row++)
            {
                int place = y.Place(y.IsReversed ? y.Rows - 1 - row : row);
                if (place >= 0)
                {
                    y.MemoryRow(memory, place)
                        .CopyTo(result.Span.Slice((image * length) + (row * y.Columns), y.Columns));
                }
            }
        }
        return result;
    }
}
