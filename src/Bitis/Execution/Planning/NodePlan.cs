using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Quantization.Scans;
using Bitis.Tensors;

namespace Bitis.Execution.Planning;

/// <summary>A plan of one operation that reads and writes the caller's tensors, image by image.</summary>
/// <remarks>It serves callers that have to see every value.</remarks>
internal sealed unsafe class NodePlan : IDisposable
{
    private readonly Plan _plan;
    private readonly Shape _outputShape;

    private NodePlan(Plan plan, Shape outputShape) => (_plan, _outputShape) = (plan, outputShape);

    /// <summary>Plans a single operation.</summary>
    /// <param name="operation">Its nodes as a graph, whose inputs are the values that it takes.</param>
    /// <param name="parameters">The parameters, by name.</param>
    /// <param name="scan">The quantized scan that the operation is; null for none.</param>
    /// <param name="cubicDecay">Whether the decay of scans needs no more accuracy than 8 bits.</param>
    public static NodePlan Create(
        Graph operation, IReadOnlyDictionary<string, FloatTensor> parameters, QuantizedScan? scan, bool cubicDecay)
    {
        var scans = new Dictionary<string, QuantizedScan>();
        if (scan is not null)
            scans.Add(operation.Output.Name, scan);
        FusedGraph fused = FusionPass.Run(operation, FusionRules.Inference);
        return new NodePlan(PlanBuilder.BuildOverTensors(fused, parameters, scans, cubicDecay), operation.Output.Shape);
    }

    /// <summary>Computes a batch.</summary>
    /// <param name="inputs">The values, in the order of the graph's inputs.</param>
    /// <param name="threads">How many threads compute.</param>
    public FloatTensor Run(ReadOnlySpan<FloatTensor> inputs, ParallelOptions threads)
    {
        int batch = inputs[0].Shape[0];
        FloatTensor output = FloatTensor.Uninitialized(_outputShape.Prepend(batch));
        FloatTensor[] tensors = [.. inputs, output];
        if (batch >= threads.MaxDegreeOfParallelism)
        {
            Parallel.For(0, batch, threads, image => RunImage(tensors, image, splits: null));
        }
        else
        {
            for (int image = 0; image < batch; image++)
                RunImage(tensors, image, threads);
        }
        return output;
    }

    /// <inheritdoc />
    public void Dispose() => _plan.Dispose();

    /// <summary>Computes one image.</summary>
    /// <param name="tensors">The inputs, then the output.</param>
    /// <param name="image">The index of the image.</param>
    /// <param name="splits">The threads that share each operation; null for the one that calls.</param>
    private void RunImage(FloatTensor[] tensors, int image, ParallelOptions? splits)
    {
        using var arena = new Arena(_plan.Layout);
        for (int i = 0; i < tensors.Length; i++)
        {
            ArenaMatrix place = i < _plan.Inputs.Count ? _plan.Inputs[i] : _plan.Output;
            arena.Bind(place.Block, tensors[i].Pointer + ((nint)image * (tensors[i].Length / tensors[i].Shape[0])));
        }
        foreach (CompiledOperation operation in _plan.Operations)
        {
            if (splits is null)
                operation.Run(arena.Addresses, 0, operation.Units);
            else
                RunShared(operation, arena, splits);
        }
        GC.KeepAlive(tensors);
    }

    private static void RunShared(CompiledOperation operation, Arena arena, ParallelOptions threads)
    {
        int parts = Math.Min(threads.MaxDegreeOfParallelism, operation.Units);
        Parallel.For(0, parts, threads, part => operation.Run(
            arena.Addresses, (int)((long)operation.Units * part / parts),
                (int)((long)operation.Units * (part + 1) / parts)));
    }
}
