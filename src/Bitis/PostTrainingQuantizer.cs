using Bitis.Graphs;
using Bitis.Models;
using Bitis.Operators;
using Bitis.Quantization;
using Bitis.Reconstruction;
using Bitis.Runtime;
using Bitis.Tensors;

namespace Bitis;

/// <summary>Makes a quantized model of a float model and some images: post-training quantization.</summary>
public static class PostTrainingQuantizer
{
    /// <summary>Quantizes a model.</summary>
    /// <param name="model">The float model; it is not changed.</param>
    /// <param name="batches">
    /// Calibration images as the model takes them, <c>[batch, channels, height, width]</c>; labels are not needed.
    /// Walked up to four times, with equal contents. 100 to 256 images are usual.
    /// </param>
    /// <param name="recipe">What to do.</param>
    /// <param name="options">How to carry it out; null for the usual.</param>
    /// <param name="cancellationToken">Ends the work; nothing is left behind but the work folder.</param>
    /// <exception cref="BitisException">The recipe does not fit the model, or there is no image.</exception>
    public static QuantizedModel Quantize(
        VisionModel model,
        IEnumerable<Tensor> batches,
        Recipe recipe,
        QuantizationOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(recipe);
        recipe.Validate();
        options ??= new QuantizationOptions();
        Dictionary<string, QuantizedScan> scans = recipe.Scope == Scope.Ssm && recipe.Bits.Activations != BitWidths.Float
            ? CalibrateScans(model, batches, recipe, options, cancellationToken)
            : [];
        (Dictionary<string, QuantizedLinear> linears, CalibrationDigest digest) = QuantizationMethods.Find(recipe.Method) is { Smooths: true } or { Learns: true }
            ? new BlockReconstructor(model, recipe, scans, options, cancellationToken).Run(batches)
            : Estimate(model, batches, recipe, options, cancellationToken);
        var weights = new Dictionary<string, Tensor>(model.Weights);
        foreach ((string name, QuantizedLinear linear) in linears)
        {
            if (linear.Weight is not null)
                weights.Remove(model.Graph[name].ParameterNames[0]);
        }
        SmoothingFolding.Fold(model.Graph, weights, linears);
        return new QuantizedModel(model.Config, model.Preprocessing, model.ClassNames, recipe, digest, weights, linears, scans);
    }

    private static Dictionary<string, QuantizedScan> CalibrateScans(
        VisionModel model, IEnumerable<Tensor> batches, Recipe recipe, QuantizationOptions options, CancellationToken cancellationToken)
    {
        IRangeEstimator estimator = QuantizationMethods.Find(recipe.Method).CreateEstimator(recipe);
        if (estimator.NeedsValues)
            estimator = new MseEstimator(); // for the scans' operands, whose values are not kept
        using var evaluator = new VectorizedEvaluator(options.Threads);
        return new ScanCalibrator(model.Graph, model.Weights, evaluator, estimator, recipe.Scan, recipe.Bits.Activations)
            .Run(batches, options.Progress, cancellationToken);
    }

    /// <summary>All layers at once, with ranges from statistics of the float model.</summary>
    private static (Dictionary<string, QuantizedLinear> Linears, CalibrationDigest Calibration) Estimate(
        VisionModel model, IEnumerable<Tensor> batches, Recipe recipe, QuantizationOptions options, CancellationToken cancellationToken)
    {
        IRangeEstimator estimator = QuantizationMethods.Find(recipe.Method).CreateEstimator(recipe);
        IReadOnlyList<(Node Node, BitWidths Bits)> selected = recipe.Select(model.Graph);
        IEnumerable<Node> observed =
            selected.Where(pair => pair.Bits.Activations != BitWidths.Float).Select(pair => pair.Node);
        using var evaluator = new VectorizedEvaluator(options.Threads);
        var calibrator = new Calibrator(model.Graph, model.Weights, evaluator, observed, recipe.Granularity);
        (IReadOnlyDictionary<Node, SiteStatistics> statistics, CalibrationDigest digest) =
            calibrator.Run(batches, estimator.NeedsHistograms, options.Progress, cancellationToken);

        var linears = new Dictionary<string, QuantizedLinear>();
        foreach ((Node node, BitWidths bits) in selected)
        {
            cancellationToken.ThrowIfCancellationRequested();
            linears.Add(node.Name, QuantizedLinear.Create(
                (Linear)node.Operator,
                model.Weights[node.ParameterNames[0]],
                bits,
                recipe.Granularity,
                statistics.GetValueOrDefault(node),
                estimator,
                options.Threads));
            options.Progress?.Report(new WorkProgress("quantizing", linears.Count, selected.Count));
        }
        return (linears, digest);
    }
}
