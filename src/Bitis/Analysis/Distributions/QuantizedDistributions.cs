using Bitis.Execution.Sessions;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Quantization;
using Bitis.Quantization.Quantizers;
using Bitis.Tensors;

namespace Bitis.Analysis.Distributions;

/// <summary>Finds how the values of a quantized model lie between its levels.</summary>
internal static class QuantizedDistributions
{
    /// <summary>The original's weights are shown if this share of them rounds to the model's levels.</summary>
    private const double SameLevels = 0.999;

    private const int BinsPerLevelOfWeights = 8;

    /// <summary>Simulates the model on images, and counts what its quantizers see.</summary>
    /// <param name="model">The model.</param>
    /// <param name="original">The float model that it was made from; null if it is not at hand.</param>
    /// <param name="images">The images.</param>
    /// <param name="threads">How many threads compute; 0 for one on each processor.</param>
    /// <param name="progress">Receives the number of images done.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="BitisException">An image is damaged, or a logit is not finite.</exception>
    public static ModelDistributions Run(
        QuantizedModel model, VisionModel? original, CalibrationSet images, int threads,
        IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        Dictionary<Node, InputLevels> inputs = model.Graph.Nodes
            .Where(node => model.Layers.GetValueOrDefault(node.Name)?.Input is not null)
            .ToDictionary(node => node, node => new InputLevels(node, model.Layers[node.Name]));
        Dictionary<Node, ScanLevels> scans = model.Graph.Nodes
            .Where(node => model.Scans.ContainsKey(node.Name))
            .ToDictionary(node => node, node => new ScanLevels(node, model.Scans[node.Name]));
        var beforeSoftplus = new Dictionary<Node, FloatTensor>();
        IReadOnlyDictionary<string, FloatTensor> dequantized = model.DequantizeWeights();
        using var evaluator = new VectorizedEvaluator(threads);
        var executor = new GraphExecutor(
            model.Graph, dequantized,
            new ProbingEvaluator(new SimulatedEvaluator(evaluator, model.Layers, model.Scans), Observe));
        int done = 0;
        foreach (FloatTensor batch in images.Read(cancellationToken))
        {
            FloatTensor logits = executor.Run(batch, cancellationToken);
            Logits.RequireFinite(logits, image => images.NameOf(done + image));
            done += batch.Shape[0];
            progress?.Report(new WorkProgress("distributions", done, images.Count));
        }
        IReadOnlyDictionary<string, FloatTensor>? weights =
            original is null ? null : NormFolding.OfAnswer(original.Graph).WeightsOf(original.Weights);
        return new ModelDistributions(
            [
                .. model.Graph.Nodes
                    .Where(node => model.Layers.GetValueOrDefault(node.Name)?.Weight is not null)
                    .Select(node => OfWeights(
                        node, model.Layers[node.Name], weights?.GetValueOrDefault(node.ParameterNames[0]))),
            ],
            [.. inputs.Values.Select(input => input.Distribution())],
            [.. inputs.Values.Select(input => input.Tokens()).OfType<TokenRange>()],
            [.. scans.Values.SelectMany(scan => scan.Distributions())]);

        void Observe(Node node, ReadOnlySpan<FloatTensor> values)
        {
            if (inputs.TryGetValue(node, out InputLevels? input))
                input.Add(values[0]);
            if (scans.Count > 0 && node.Operator.IsPartOfQuantizedScan)
                beforeSoftplus[node] = values[0];
            if (scans.TryGetValue(node, out ScanLevels? scan))
            {
                beforeSoftplus.Remove(node.Inputs[1], out FloatTensor? delta);
                scan.Add(values, delta!, dequantized[node.ParameterNames[0]]);
            }
        }
    }

    private static SiteDistribution OfWeights(Node node, QuantizedLayer layer, FloatTensor? original)
    {
        UniformQuantizer quantizer = layer.Weight!;
        sbyte[] levels = layer.Levels!;
        int columns = levels.Length / quantizer.Scales.Length;
        bool hasOriginal = original is not null && original.Length == levels.Length
            && Agreement(quantizer, levels, original, columns) >= SameLevels;
        int perLevel = hasOriginal ? BinsPerLevelOfWeights : 1;
        double low = quantizer.MinLevel - 0.5;
        double[] shares = new double[(quantizer.MaxLevel - quantizer.MinLevel + 1) * perLevel];
        int clipped = 0;
        for (int i = 0; i < levels.Length; i++)
        {
            double value = hasOriginal ? original!.Span[i] * quantizer.InverseScales[i / columns] : levels[i];
            if (value < low || value > quantizer.MaxLevel + 0.5)
                clipped++;
            shares[Math.Clamp((int)Math.Floor((value - low) * perLevel), 0, shares.Length - 1)] += 1.0 / levels.Length;
        }
        return new SiteDistribution($"{node.Name}.weight", low, quantizer.MaxLevel + 0.5, shares)
        {
            IsInLevels = true,
            Levels = [.. Enumerable.Range(quantizer.MinLevel, quantizer.MaxLevel - quantizer.MinLevel + 1)
                .Select(level => (double)level)],
            Clipped = hasOriginal ? (double)clipped / levels.Length : null,
        };
    }

    /// <summary>The share of weights that a quantizer gives the levels that the model has.</summary>
    private static double Agreement(UniformQuantizer quantizer, sbyte[] levels, FloatTensor original, int columns)
    {
        int same = 0;
        for (int i = 0; i < levels.Length; i++)
            same += quantizer.Quantize(original.Span[i], i / columns) == levels[i] ? 1 : 0;
        return (double)same / levels.Length;
    }
}
