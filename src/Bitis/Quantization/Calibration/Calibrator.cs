using Bitis.Graphs;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;

namespace Bitis.Quantization.Calibration;

/// <summary>
/// Runs images through a float model and collects statistics of the activations that enter given nodes.
/// </summary>
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
    /// <param name="recipe">
    /// Says whether a node's statistics are kept per tensor, token or channel, and of which transform of its input.
    /// </param>
    public Calibrator(
        Graph graph,
        IReadOnlyDictionary<string, FloatTensor> weights,
        INodeEvaluator evaluator,
        IEnumerable<Node> nodes,
        Recipe recipe)
    {
        _recipe = recipe;
        _statistics = nodes.ToDictionary(
            node =>
                node, node =>
                    new SiteStatistics(
                        $"{node.Name}.input", QuantizedLayer.InputGroups(recipe.GranularityOf(node), node)));
        _executor = new GraphExecutor(graph, weights, new ProbingEvaluator(evaluator, Observe));
    }

    /// <summary>Runs the images once for the ranges and, if asked, once more for histograms between them.</summary>
    /// <param name="images">The images.</param>
    /// <param name="histograms">Whether the second pass is wanted.</param>
    /// <param name="progress">Hears of images done.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    /// <returns>The statistics of each node.</returns>
    /// <exception cref="BitisException">
    /// An image is damaged, the images changed, or an activation or answer is not a finite number.
    /// </exception>
    public IReadOnlyDictionary<Node, SiteStatistics> Run(
        CalibrationSet images,
        bool histograms,
        IProgress<WorkProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        Collect(withHistograms: false, "calibrating: ranges");
        if (histograms)
            Collect(withHistograms: true, "calibrating: histograms");
        return _statistics;

        void Collect(bool withHistograms, string stage)
        {
            _collectHistograms = withHistograms;
            int done = 0;
            foreach (FloatTensor batch in images.Read(cancellationToken))
            {
                FloatTensor logits = _executor.Run(batch, cancellationToken);
                Logits.RequireFinite(logits, image => images.NameOf(done + image));
                done += batch.Shape[0];
                progress?.Report(new WorkProgress(stage, done, images.Count));
            }
        }
    }

    private void Observe(Node node, ReadOnlySpan<FloatTensor> inputs)
    {
        if (!_statistics.TryGetValue(node, out SiteStatistics? statistics))
            return;
        FloatTensor values = _recipe.GranularityOf(node) == Granularity.PerChannel
            ? SiteStatistics.ByChannel(inputs[0])
            : inputs[0];
        if (_recipe.RotationOf(node) is > 1 and var rotation)
        {
            values = FloatTensor.Uninitialized(values.Shape);
            Rotation.Apply(inputs[0].Span, rotation, values.Span);
        }
        if (_collectHistograms)
            statistics.ObserveHistogram(values);
        else
            statistics.ObserveRange(values);
    }
}
