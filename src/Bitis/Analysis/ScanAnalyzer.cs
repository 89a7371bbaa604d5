using Bitis.Execution.Sessions;
using Bitis.Graphs;
using Bitis.Kernels.Dispatch;
using Bitis.Quantization.Scans;
using Bitis.Tensors;

namespace Bitis.Analysis;

/// <summary>
/// Analyzes what makes the discrete parameters and hidden states of a float model's scans hard to quantize.
/// </summary>
internal static class ScanAnalyzer
{
    /// <summary>Runs images through a model and observes every scan.</summary>
    /// <param name="model">The model.</param>
    /// <param name="batches">Normalized pixels, <c>[batch, channels, height, width]</c>.</param>
    /// <param name="threads">
    /// How many threads compute; 0 for one on each processor. The result does not depend on it.
    /// </param>
    /// <param name="progress">Receives the number of images done.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>The statistics of each scan, in the order of the graph.</returns>
    /// <exception cref="BitisException">
    /// There is no image, the model has no scan, or a logit is not a finite number.
    /// </exception>
    public static IReadOnlyList<ScanStatistics> Run(
        VisionModel model,
        IEnumerable<FloatTensor> batches,
        int threads = 0,
        IProgress<WorkProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(batches);
        _ = ThreadCount.Resolve(threads);
        Dictionary<Node, ScanStatistics> statistics = model.Graph.Nodes
            .Where(node => node.Operator.ScanSize is not null)
            .ToDictionary(node => node, node => new ScanStatistics(node.Name, node.Shape[0], node.Operator.ScanSize!));
        if (statistics.Count == 0)
            throw new BitisException("The model has no selective scan.");
        using var evaluator = new VectorizedEvaluator(threads);
        var executor = new GraphExecutor(model.Graph, model.Weights, new ProbingEvaluator(evaluator, Observe));
        int images = 0;
        foreach (FloatTensor batch in batches)
        {
            FloatTensor logits = executor.Run(batch, cancellationToken);
            Logits.RequireFinite(logits, image => $"image {images + image}");
            images += batch.Shape[0];
            progress?.Report(new WorkProgress("analyzing", images, 0));
        }
        return images > 0
            ? [.. statistics.Values]
            : throw new BitisException("There is no image to analyze with: give at least one.");

        void Observe(Node node, ReadOnlySpan<FloatTensor> inputs)
        {
            if (statistics.TryGetValue(node, out ScanStatistics? scan))
                scan.Observe(inputs, model.Weights[node.ParameterNames[0]]);
        }
    }
}
