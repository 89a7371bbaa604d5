using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Quantization;
using Bitis.Quantization.Calibration;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;

namespace Bitis.Analysis.Distributions;

/// <summary>Finds how the values of a float model are spread.</summary>
internal static class FloatDistributions
{
    /// <summary>Runs images through a model: twice for its histograms, once for the ranges of tokens.</summary>
    /// <param name="model">The model.</param>
    /// <param name="images">The images.</param>
    /// <param name="threads">How many threads compute; 0 for one on each processor.</param>
    /// <param name="progress">Receives the number of images done.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="BitisException">An image is damaged, or an activation is not finite.</exception>
    public static ModelDistributions Run(
        VisionModel model, CalibrationSet images, int threads, IProgress<WorkProgress>? progress,
        CancellationToken cancellationToken)
    {
        var folding = NormFolding.OfAnswer(model.Graph);
        IReadOnlyDictionary<string, FloatTensor> weights = folding.WeightsOf(model.Weights);
        Node[] layers = [.. folding.Graph.Nodes.Where(node => QuantizedLayer.Covers(node.Operator))];
        using var evaluator = new Execution.Sessions.VectorizedEvaluator(threads);
        IReadOnlyDictionary<Node, SiteStatistics> inputs = Observe(Granularity.PerTensor, histograms: true);
        IReadOnlyDictionary<Node, SiteStatistics> tokens = Observe(Granularity.PerToken, histograms: false);
        return new ModelDistributions(
            [
                .. layers.Select(layer => SiteDistribution.Of(
                    $"{layer.Name}.weight", weights[layer.ParameterNames[0]].Span)),
            ],
            [.. layers.Select(layer => OfInput(layer, inputs[layer]))],
            [
                .. layers.Where(layer => layer.Operator.FinestScales == Graphs.Operators.InputScales.Tokens)
                    .Select(layer => OfTokens(layer, tokens[layer])),
            ],
            []);

        IReadOnlyDictionary<Node, SiteStatistics> Observe(Granularity granularity, bool histograms) =>
            new Calibrator(
                folding.Graph, weights, evaluator, layers,
                new Recipe { Method = "minmax", ActivationGranularity = granularity })
                .Run(images, histograms, progress, cancellationToken);
    }

    private static SiteDistribution OfInput(Node layer, SiteStatistics statistics)
    {
        ReadOnlySpan<int> histogram = statistics.Histogram(0);
        double[] shares = new double[SiteDistribution.Bins];
        double total = 0;
        for (int i = 0; i < histogram.Length; i++)
        {
            shares[i * shares.Length / histogram.Length] += histogram[i];
            total += histogram[i];
        }
        return new SiteDistribution(
            $"{layer.Name}.input", statistics.Range(0).Low, statistics.Range(0).High,
            Array.ConvertAll(shares, count => count / total));
    }

    private static TokenRange OfTokens(Node layer, SiteStatistics statistics)
    {
        var ranges = Enumerable.Range(0, statistics.Groups).Select(statistics.Range).ToArray();
        return new TokenRange(
            layer.Name, Array.ConvertAll(ranges, range => range.Low), Array.ConvertAll(ranges, range => range.High));
    }
}
