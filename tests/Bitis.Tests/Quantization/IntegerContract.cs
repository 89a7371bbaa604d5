using Bitis.Execution.Sessions;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Quantization;
using Bitis.Quantization.Recipes;

namespace Bitis.Tests.Quantization;

/// <summary>
/// The contract of quantized models, for models of any family: all sites are there, and integers compute what the
/// simulation does.
/// </summary>
internal static class IntegerContract
{
    /// <summary>
    /// Quantizes a model and asserts that the runtime equals the simulation bit for bit, before and after a trip
    /// through a file.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="method">The method; one that learns makes two steps.</param>
    /// <param name="bits">Such as <c>w4a8</c>.</param>
    /// <param name="granularity">The activations' granularity.</param>
    /// <param name="scope">The scope.</param>
    /// <param name="file">Where to put the file.</param>
    public static void AssertHolds(
        VisionModel model, string method, string bits, Granularity granularity, Scope scope, string file)
    {
        var recipe = new Recipe
        {
            Method = method,
            Bits = BitWidths.Parse(bits),
            ActivationGranularity = granularity,
            Scope = scope,
        }.WithSteps(2);
        QuantizedModel quantized = MicroModel.Quantize(model, recipe);
        Assert.Equal(
            model.Graph.Nodes.Count(
                node => scope == Scope.Full
                    ? QuantizedLayer.Covers(node.Operator)
                    : node.Block is not null && node.Operator is Linear),
            quantized.Layers.Count);
        Assert.Equal(
            recipe.CoversScans && recipe.Bits.Activations != BitWidths.Float
                ? model.Graph.Nodes.Count(node => node.Operator is SelectiveScan)
                : 0,
            quantized.Scans.Count);
        FloatTensor images = MicroModel.Images(model, 3, seed: 5);
        using InferenceSession session = InferenceSession.Create(quantized, new SessionOptions { Threads = 2 });
        FloatTensor integer = session.Run(images);
        using var evaluator = new VectorizedEvaluator();
        var simulated = new SimulatedEvaluator(evaluator, quantized.Layers, quantized.Scans);
        TensorAssert.Same(
            new GraphExecutor(quantized.Graph, quantized.DequantizeWeights(), simulated).Run(images), integer);

        quantized.Save(file);
        using InferenceSession loaded = InferenceSession.Load(file, new SessionOptions { Threads = 1 });
        TensorAssert.Same(integer, loaded.Run(images));
    }
}
