using System.Collections.Concurrent;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Quantization;
using Bitis.Quantization.Scans;
using Bitis.Tensors;

namespace Bitis.Execution.Planning;

/// <summary>A plan of one node or some, over the caller's tensors, image by image.</summary>
/// <remarks>It serves callers that have to see values inside of a model.</remarks>
internal sealed unsafe class NodePlan : IDisposable
{
    private readonly Plan _plan;
    private readonly Shape _outputShape;

    private NodePlan(Plan plan, Shape outputShape) => (_plan, _outputShape) = (plan, outputShape);

    /// <summary>Plans a graph, such as a single operation.</summary>
    /// <param name="graph">The nodes as a graph, whose inputs are the values that they take.</param>
    /// <param name="parameters">The parameters, by name.</param>
    /// <param name="layers">The quantized layers, by the name of their node.</param>
    /// <param name="scans">The quantized scans, by the name of their node.</param>
    public static NodePlan Create(
        Graph graph, IReadOnlyDictionary<string, FloatTensor> parameters,
        IReadOnlyDictionary<string, QuantizedLayer> layers, IReadOnlyDictionary<string, QuantizedScan> scans)
    {
        FusedGraph fused = FusionPass.Run(graph, FusionRules.Inference);
        return new NodePlan(
            PlanBuilder.BuildOverTensors(fused, parameters, layers, scans), graph.Output.Shape);
    }

    /// <summary>Computes a batch.</summary>
    /// <param name="inputs">The values, in the order of the graph's inputs.</param>
    /// <param name="threads">How many threads compute.</param>
    public FloatTensor Run(ReadOnlySpan<FloatTensor> inputs, ParallelOptions threads)
    {
        int batch = inputs[0].Shape[0];
        FloatTensor output = FloatTensor.Uninitialized(_outputShape.Prepend(batch));
        FloatTensor[] tensors = [.. inputs, output];
        var arenas = new ConcurrentBag<Arena>(); // memory that was just used is in the caches, and is there already
        try
        {
            if (batch >= threads.MaxDegreeOfParallelism)
            {
                Parallel.For(0, batch, threads, image => RunImage(tensors, image, arenas, splits: null));
            }
            else
            {
                for (int image = 0; image < batch; image++)
                    RunImage(tensors, image, arenas, threads);
            }
        }
        finally
        {
            foreach (Arena arena in arenas)
                arena.Dispose();
        }
        return output;
    }

    /// <inheritdoc />
    public void Dispose() => _plan.Dispose();

    /// <summary>Computes one image.</summary>
    /// <param name="tensors">The inputs, then the output.</param>
    /// <param name="image">The index of the image.</param>
    /// <param name="arenas">Arenas that no thread uses.</param>
    /// <param name="splits">The threads that share each operation; null for the one that calls.</param>
    private void RunImage(FloatTensor[] tensors, int image, ConcurrentBag<Arena> arenas, ParallelOptions? splits)
    {
        if (!arenas.TryTake(out Arena? arena))
            arena = new Arena(_plan.Layout);
        for (int i = 0; i < _plan.Inputs.Count; i++)
            arena.Bind(_plan.Inputs[i].Block, Image(tensors[i], image));
        if (_plan.IsOutputWhole)
            arena.Bind(_plan.Output.Block, Image(tensors[^1], image));
        foreach (CompiledOperation operation in _plan.Operations)
        {
            if (splits is null)
                operation.Run(arena.Addresses, 0, operation.Units);
            else
                RunShared(operation, arena, splits);
        }
        if (!_plan.IsOutputWhole)
            CopyOutput(arena, Image(tensors[^1], image));
        GC.KeepAlive(tensors);
        arenas.Add(arena);
    }

    /// <summary>Copies an output that is a view of another value.</summary>
    private void CopyOutput(Arena arena, float* target)
    {
        ArenaMatrix output = _plan.Output;
        for (int row = 0; row < output.Rows; row++)
        {
            output.MemoryRow(arena.Addresses, row).CopyTo(
                new Span<float>(target + ((nint)row * output.Columns), output.Columns));
        }
    }

    private static float* Image(FloatTensor tensor, int image) =>
        tensor.Pointer + ((nint)image * (tensor.Length / tensor.Shape[0]));

    private static void RunShared(CompiledOperation operation, Arena arena, ParallelOptions threads)
    {
        int parts = Math.Min(threads.MaxDegreeOfParallelism, operation.Units);
        Parallel.For(0, parts, threads, part => operation.Run(
            arena.Addresses, (int)((long)operation.Units * part / parts),
                (int)((long)operation.Units * (part + 1) / parts)));
    }
}
