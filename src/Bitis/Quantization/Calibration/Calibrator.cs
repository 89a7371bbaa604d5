using Bitis.Graphs;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;

namespace Bitis.Quantization.Calibration;

/// <summary>Runs images through a float model and collects statistics of the activations that enter given nodes.</summary>
internal sealed class Calibrator
{
    private readonly GraphExecutor _executor;
    private readonly Dictionary<Node, SiteStatistics> _statistics;
    private readonly Recipe _recipe;
    private bool _collectHistograms;

    /// <summary>Prepares a run.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="weights">Its float parameters.</param>
    /// <param name="evaluator">What computes a node.</param>
    /// <param name="nodes">The nodes whose first input is observed.</param>
    /// <param name="recipe">Says whether a node's statistics are kept per tensor, token or channel, and of which transform of its input.</param>
    public Calibrator(
        Graph graph,
        IReadOnlyDictionary<string, Tensor> weights,
        INodeEvaluator evaluator,
        IEnumerable<Node> nodes,
        Recipe recipe)
    {
        _recipe = recipe;
        _statistics = nodes.ToDictionary(
            node => node, node => new SiteStatistics($"{node.Name}.input", QuantizedLayer.InputGroups(recipe.GranularityOf(node), node)));
        _executor = new GraphExecutor(graph, weights, new ProbingEvaluator(evaluator, Observe));
    }

    /// <summary>Runs the images once for the ranges and, if asked, once more for histograms between them.</summary>
    /// <param name="batches">Normalized images, <c>[batch, channels, height, width]</c>; walked once or twice, with equal contents.</param>
    /// <param name="histograms">Whether the second pass is wanted.</param>
    /// <param name="progress">Hears of images done.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    /// <returns>The statistics of each node, and what the images were.</returns>
    /// <exception cref="BitisException">
    /// There is no image, or an activation or answer is not a finite number.
    /// </exception>
    public (IReadOnlyDictionary<Node, SiteStatistics> Statistics, CalibrationDigest Digest) Run(
        IEnumerable<Tensor> batches,
        bool histograms,
        IProgress<WorkProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        using var hash = new CalibrationHash();
        int images = 0;
        _collectHistograms = false;
        foreach (Tensor batch in batches)
        {
            hash.Append(batch);
            Tensor logits = _executor.Run(batch, cancellationToken);
            Logits.RequireFinite(logits, image => $"calibration image {images + image}");
            images += batch.Shape[0];
            progress?.Report(new WorkProgress("calibrating: ranges", images, 0));
        }
        if (images == 0)
            throw new BitisException("There is no image to calibrate with: give at least one, better 100 or more.");

        CalibrationDigest digest = hash.Finish(images);
        _collectHistograms = true;
        int done = 0;
        foreach (Tensor batch in histograms ? batches : [])
        {
            _executor.Run(batch, cancellationToken);
            done += batch.Shape[0];
            progress?.Report(new WorkProgress("calibrating: histograms", done, images));
        }
        return (_statistics, digest);
    }

    private void Observe(Node node, ReadOnlySpan<Tensor> inputs)
    {
        if (!_statistics.TryGetValue(node, out SiteStatistics? statistics))
            return;
        Tensor values = _recipe.GranularityOf(node) == Granularity.PerChannel ? SiteStatistics.ByChannel(inputs[0]) : inputs[0];
        if (_recipe.RotationOf(node) is > 1 and var rotation)
        {
            values = Tensor.Uninitialized(values.Shape);
            Rotation.Apply(inputs[0].Span, rotation, values.Span);
        }
        if (_collectHistograms)
            statistics.ObserveHistogram(values);
        else
            statistics.ObserveRange(values);
    }
}
