using Bitis.Execution.Sessions;
using Bitis.Graphs;
using Bitis.Kernels.Dispatch;
using Bitis.Quantization;
using Bitis.Quantization.Calibration;
using Bitis.Quantization.Estimators;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;
using Bitis.Reconstruction;

namespace Bitis;

/// <summary>Post-training quantization: creates a quantized model from a float model and calibration images.</summary>
public static class PostTrainingQuantizer
{
    /// <summary>Quantizes a model.</summary>
    /// <param name="model">The float model; it is not changed.</param>
    /// <param name="images">The calibration set, usually 100 to 256 images; labels are not needed.</param>
    /// <param name="recipe">How to quantize.</param>
    /// <param name="options">How to run the work; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the work; only the work folder remains.</param>
    /// <exception cref="BitisException">
    /// The recipe does not fit the model, an image is damaged, or the images changed during the work.
    /// </exception>
    public static QuantizedModel Quantize(
        VisionModel model,
        CalibrationSet images,
        Recipe recipe,
        QuantizationOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(recipe);
        recipe.Validate();
        options ??= new QuantizationOptions();
        _ = ThreadCount.Resolve(options.Threads);
        model = model.Folded();
        var sites = new SiteSelection(recipe, model.Graph);
        IReadOnlyList<(Node Node, BitWidths Bits)> selected = sites.Layers;
        RequireParametersOfTheirOwn(
            model.Graph, [.. selected.Where(pair => pair.Bits.Weights != BitWidths.Float).Select(pair => pair.Node)]);
        Dictionary<string, QuantizedScan> scans = sites.Scans.Count > 0
            ? CalibrateScans(model, images, recipe, sites.Scans, options, cancellationToken)
            : [];
        bool isBlockwise = KeepsWork(recipe);
        // Smoothing and learning are for the linear layers of blocks; all others have quantizers that do not change.
        (Node Node, BitWidths Bits)[] estimated =
            [.. selected.Where(pair => !isBlockwise || !model.Graph.IsInBlock(pair.Node) || !pair.Node.IsLinear)];
        var layers = new Dictionary<string, QuantizedLayer>();
        if (estimated.Length > 0 || !isBlockwise)
            layers = Estimate(model, images, recipe, estimated, options, cancellationToken);
        if (isBlockwise)
            new BlockReconstructor(model, recipe, selected, layers, scans, options, cancellationToken).Run(images);

        var weights = new Dictionary<string, FloatTensor>(model.Weights);
        foreach ((string name, QuantizedLayer layer) in layers)
        {
            if (layer.Weight is not null)
                weights.Remove(model.Graph[name].ParameterNames[0]);
        }
        foreach (string name in scans.Keys)
            weights.Remove(model.Graph[name].ParameterNames[0]); // A_log; a scan has codes for it
        SmoothingFolding.Fold(model.Graph, weights, layers);
        return new QuantizedModel(
            model.Config, model.Preprocessing, model.ClassNames, recipe, images.Digest, weights, layers, scans);
    }

    /// <summary>
    /// Deletes the finished blocks in a <see cref="QuantizationOptions.WorkFolder"/>, and the folder if it is empty
    /// then.
    /// </summary>
    /// <param name="workFolder">The folder; it may be missing.</param>
    /// <exception cref="BitisException">The blocks cannot be deleted.</exception>
    public static void DeleteWork(string workFolder) => new ReconstructionFolder(workFolder).Delete();

    /// <summary>Whether a recipe's method works block by block and keeps finished blocks.</summary>
    /// <exception cref="BitisException">The method is unknown, or the settings are another method's.</exception>
    public static bool KeepsWork(Recipe recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        return recipe.Behavior.Learning is not null;
    }

    private static Dictionary<string, QuantizedScan> CalibrateScans(
        VisionModel model,
        CalibrationSet images,
        Recipe recipe,
        IReadOnlyList<(Node Node, int Bits)> scans,
        QuantizationOptions options,
        CancellationToken cancellationToken)
    {
        RequireParametersOfTheirOwn(model.Graph, [.. scans.Select(pair => pair.Node)]);
        foreach ((Node scan, _) in scans)
        {
            Node delta = scan.Inputs[1];
            int users = model.Graph.Nodes.Sum(node => node.Inputs.Count(input => input == delta));
            if (!delta.Operator.IsPartOfQuantizedScan || delta == model.Graph.Output || users > 1)
            {
                throw new BitisException(
                    $"The scan '{scan.Name}' cannot be quantized: its step, '{delta.Name}', is not a softplus that "
                    + "nothing else reads. "
                    + "Use scope 'linear'.");
            }
        }
        using var evaluator = new VectorizedEvaluator(options.Threads);
        return new ScanCalibrator(
            model.Graph, model.Weights, evaluator, StreamingEstimator(recipe), recipe.Scan, scans)
            .Run(images, options.Progress, cancellationToken);
    }

    /// <summary>Checks that no two nodes share quantized weights, since levels depend on a node's input.</summary>
    private static void RequireParametersOfTheirOwn(Graph graph, Node[] quantized)
    {
        foreach (Node node in quantized)
        {
            string parameter = node.ParameterNames[0];
            if (graph.OtherUserOf(parameter, node) is { } other)
            {
                throw new BitisException(
                    $"'{node.Name}' and '{other.Name}' share the parameter '{parameter}'; what is quantized needs one "
                    + "of its own. "
                    + $"Give each of them its parameter, or leave them out with overrides ('{node.Name}=float').");
            }
        }
    }

    /// <summary>Layers with ranges from statistics of the float model.</summary>
    private static Dictionary<string, QuantizedLayer> Estimate(
        VisionModel model,
        CalibrationSet images,
        Recipe recipe,
        (Node Node, BitWidths Bits)[] selected,
        QuantizationOptions options,
        CancellationToken cancellationToken)
    {
        IRangeEstimator estimator = StreamingEstimator(recipe);
        IEnumerable<Node> observed =
            selected.Where(pair => pair.Bits.Activations != BitWidths.Float).Select(pair => pair.Node);
        using var evaluator = new VectorizedEvaluator(options.Threads);
        var calibrator = new Calibrator(model.Graph, model.Weights, evaluator, observed, recipe);
        IReadOnlyDictionary<Node, SiteStatistics> statistics =
            calibrator.Run(images, estimator.NeedsHistograms, options.Progress, cancellationToken);

        var layers = new Dictionary<string, QuantizedLayer>();
        foreach ((Node node, BitWidths bits) in selected)
        {
            cancellationToken.ThrowIfCancellationRequested();
            layers.Add(node.Name, QuantizedLayer.Create(
                model.Weights[node.ParameterNames[0]],
                bits,
                recipe.GranularityOf(node),
                statistics.GetValueOrDefault(node),
                estimator,
                options.Threads,
                bits is { Weights: BitWidths.Float } or { Activations: BitWidths.Float }
                    ? 1
                    : recipe.RotationOf(node)));
            options.Progress?.Report(new WorkProgress("quantizing", layers.Count, selected.Length));
        }
        return layers;
    }

    /// <summary>
    /// The recipe's estimator, or its replacement if it needs all values at once: only a block's layers keep them.
    /// </summary>
    private static IRangeEstimator StreamingEstimator(Recipe recipe) =>
        recipe.CreateEstimator().WithoutValues ?? throw new BitisException(
            $"The estimator of '{recipe.Method}' needs all values of an activation, which are kept only for linear "
            + "layers of blocks: give it an estimator for other places (WithoutValues), or use a method that works "
            + "block by block in scope 'linear'.");
}
