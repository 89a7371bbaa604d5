using Bitis.Graphs;
using Bitis.Models;
using Bitis.Operators;
using Bitis.Quantization;
using Bitis.Runtime;
using Bitis.Tensors;

namespace Bitis;

/// <summary>Makes a quantized model of a float model and some images, without training: post-training quantization.</summary>
public static class PostTrainingQuantizer
{
    /// <summary>Quantizes a model.</summary>
    /// <param name="model">The float model; it is not changed.</param>
    /// <param name="batches">
    /// Calibration images as the model takes them, <c>[batch, channels, height, width]</c>; labels are not needed.
    /// Walked once or twice, with equal contents. 100 to 256 images are usual.
    /// </param>
    /// <param name="recipe">What to do.</param>
    /// <param name="threads">How many threads compute; 0 for one on each processor. The result does not depend on it.</param>
    /// <param name="progress">Hears how far the work has come.</param>
    /// <param name="cancellationToken">Ends the work; nothing is left behind.</param>
    /// <exception cref="BitisException">The recipe does not fit the model, or there is no image.</exception>
    public static QuantizedModel Quantize(
        VisionModel model,
        IEnumerable<Tensor> batches,
        Recipe recipe,
        int threads = 0,
        IProgress<WorkProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        recipe.Validate();
        IRangeEstimator estimator = QuantizationMethods.Create(recipe);
        IReadOnlyList<(Node Node, BitWidths Bits)> selected = recipe.Select(model.Graph);
        IEnumerable<Node> observed =
            selected.Where(pair => pair.Bits.Activations != BitWidths.Float).Select(pair => pair.Node);
        using var evaluator = new VectorizedEvaluator(threads);
        var calibrator = new Calibrator(model.Graph, model.Weights, evaluator, observed, recipe.ActivationGranularity);
        (IReadOnlyDictionary<Node, SiteStatistics> statistics, CalibrationDigest digest) =
            calibrator.Run(batches, estimator.NeedsHistograms, progress, cancellationToken);

        var weights = new Dictionary<string, Tensor>(model.Weights);
        var linears = new Dictionary<string, QuantizedLinear>();
        foreach ((Node node, BitWidths bits) in selected)
        {
            cancellationToken.ThrowIfCancellationRequested();
            string weightName = node.ParameterNames[0];
            linears.Add(node.Name, QuantizedLinear.Create(
                (Linear)node.Operator,
                model.Weights[weightName],
                bits,
                recipe.ActivationGranularity,
                statistics.GetValueOrDefault(node),
                estimator,
                threads));
            if (bits.Weights != BitWidths.Float)
                weights.Remove(weightName);
            progress?.Report(new WorkProgress("quantizing", linears.Count, selected.Count));
        }
        return new QuantizedModel(
            model.Config, model.Preprocessing, model.ClassNames, recipe, digest, weights, linears);
    }
}
