using System.Diagnostics;
using Bitis.Execution.Sessions;
using Bitis.Graphs;
using Bitis.Quantization;
using Bitis.Quantization.Calibration;
using Bitis.Quantization.Estimators;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;

namespace Bitis.Reconstruction;

/// <summary>Quantizes a model block by block (PTQ4VM, and QMamba's fine-tuning).</summary>
/// <remarks>
/// There are two streams of activations. That of the float model gives the targets (the outputs of its blocks) and the
/// values for the search of first scales. That of the model as far as it is quantized gives a block its input.
/// <code>
///   float ────► block ────► target ─┐
///                                   ├─ loss ──► scales, smoothing, zero points
///   quantized ► quantized block ────┘
///                 └──────────────────────────► next block
/// </code>
/// </remarks>
internal sealed class BlockReconstructor
{
    /// <summary>The most logits that are computed at a time.</summary>
    private const long AnswersAtOnce = 1 << 26;

    private readonly VisionModel _model;
    private readonly Recipe _recipe;
    private readonly LearningSettings _settings;
    private readonly IRangeEstimator _estimator;
    private readonly Dictionary<Node, BitWidths> _selected;
    private readonly Dictionary<string, QuantizedLayer> _layers;
    private readonly Dictionary<string, QuantizedScan> _scans;
    private readonly HashSet<Node> _leadToAnswer;
    private readonly QuantizationOptions _options;
    private readonly CancellationToken _cancellationToken;
    private readonly StreamModel _exactModel;

    /// <summary>Prepares the work.</summary>
    /// <param name="model">The float model.</param>
    /// <param name="recipe">How to quantize the model.</param>
    /// <param name="selected">All layers that are quantized, with their bits.</param>
    /// <param name="layers">
    /// The layers that are quantized already, by the name of their node. The blocks' linear layers are added.
    /// </param>
    /// <param name="scans">
    /// The quantized scans, by the name of their node, with the quantizers that calibration has found; those that are
    /// learned are replaced.
    /// </param>
    /// <param name="options">How to carry it out.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public BlockReconstructor(
        VisionModel model,
        Recipe recipe,
        IEnumerable<(Node Node, BitWidths Bits)> selected,
        Dictionary<string, QuantizedLayer> layers,
        Dictionary<string, QuantizedScan> scans,
        QuantizationOptions options,
        CancellationToken cancellationToken)
    {
        _layers = layers;
        _scans = scans;
        _model = model;
        _recipe = recipe;
        _settings = recipe.Behavior.Learning!;
        _estimator = recipe.CreateEstimator();
        _selected = selected.Where(
            pair => !layers.ContainsKey(pair.Node.Name)).ToDictionary(pair => pair.Node, pair => pair.Bits);
        _leadToAnswer = [.. GraphSegment.All(model.Graph).For(model.Graph.Output).Nodes];
        _options = options;
        _cancellationToken = cancellationToken;
        _exactModel = new StreamModel(
            model.Weights, new Dictionary<string, QuantizedLayer>(), new Dictionary<string, QuantizedScan>());
    }

    /// <summary>Quantizes all blocks.</summary>
    /// <param name="images">
    /// Calibration images; read once, or twice where what comes before the first block is quantized.
    /// </param>
    public void Run(CalibrationSet images)
    {
        ReconstructionFolder? folder = _options.WorkFolder is null
            ? null
            : new ReconstructionFolder(_options.WorkFolder);
        IReadOnlyList<GraphSegment> segments = GraphSegment.Split(_model.Graph);
        RequireWholeScans(segments);
        using var evaluator = new VectorizedEvaluator(_options.Threads);
        GraphSegment? stem = segments[0].Block is null ? segments[0] : null;
        int first = stem is null ? 0 : 1;
        Dictionary<Node, int> lastReaders = LastReaders(segments, _model.Graph.Output);
        bool IsNeededFirst(Node node) => lastReaders.GetValueOrDefault(node, -1) >= first;
        ActivationStream exact = ActivationStream.Start(
            _model.Graph.Input,
            stem,
            IsNeededFirst,
            images,
            _model.Weights,
            evaluator,
            _options.Progress,
            _cancellationToken);
        folder?.Open(_model, _recipe, images.Digest);
        Dictionary<string, QuantizedLayer> stemLayers = stem is null ? [] : LayersOf(stem);
        ActivationStream quantized = exact;
        if (stem is not null && (stemLayers.Count > 0 || stem.Nodes.Any(node => _scans.ContainsKey(node.Name))))
        {
            using var forward = new VectorizedEvaluator(_options.Threads) { Scans = _scans };
            var simulated = new SimulatedEvaluator(forward, stemLayers);
            quantized = ActivationStream.Start(
                _model.Graph.Input,
                stem,
                IsNeededFirst,
                images,
                WeightsOf(stem, stemLayers),
                simulated,
                progress: null,
                _cancellationToken);
        }
        int blocks = 0;
        bool isKept = false;
        for (int i = first; i < segments.Count; i++)
        {
            GraphSegment segment = segments[i];
            if (segment.Block is null && segments.Skip(i).All(later => later.Block is null))
            {
                RequireFiniteAnswers(exact, images, [.. segments.Skip(i)]); // only the head is left
                break;
            }
            ActivationStream exactNext = Run(exact, segment, _exactModel);
            if (segment.Block is not null
                && segment.Nodes.Any(node => _selected.ContainsKey(node) || _scans.ContainsKey(node.Name)))
            {
                ReconstructedBlock? kept = folder?.Load(segment.Block!.Value);
                ReconstructedBlock block = kept ?? Quantize(segment, exact, exactNext, quantized);
                isKept = kept is not null;
                folder?.Save(block);
                _options.Blocks?.Report(block.Record);
                blocks++;
                foreach ((string name, QuantizedLayer layer) in block.Layers)
                    _layers.Add(name, layer);
                foreach ((string name, QuantizedScan scan) in block.Scans)
                    _scans[name] = scan;
            }
            if (i + 1 == segments.Count)
            {
                RequireFiniteAnswers(exact.With(exactNext, _ => true), images, []); // nothing comes after it
                break;
            }
            ActivationStream quantizedNext = Run(quantized, segment, QuantizedModelOf(_layers));
            bool IsNeeded(Node node) => lastReaders.GetValueOrDefault(node, -1) > i;
            exact = exact.With(exactNext, IsNeeded);
            quantized = quantized.With(quantizedNext, IsNeeded);
            // Blocks of an earlier run are a stage of their own. They load too fast to estimate the remaining time from
            // them.
            if (isKept)
            {
                _options.Progress?.Report(
                    new WorkProgress("reading finished blocks", blocks, _model.Graph.BlockCount));
            }
            else
            {
                Report(blocks, 0, null);
            }
        }
    }

    /// <summary>Runs the rest of the float model, to find out whether the head's values overflow.</summary>
    /// <remarks>Maps of logits are large, so a few images are computed at a time.</remarks>
    private void RequireFiniteAnswers(
        ActivationStream exact, CalibrationSet images, GraphSegment[] head)
    {
        int atOnce = (int)Math.Max(1, AnswersAtOnce / _model.Graph.Output.Shape.ElementCount);
        for (int first = 0; first < exact.Images; first += atOnce)
        {
            ActivationStream part = exact.Slice(first, Math.Min(atOnce, exact.Images - first));
            foreach (GraphSegment segment in head)
                part = part.With(Run(part, segment, _exactModel), _ => true);
            Logits.RequireFinite(part[_model.Graph.Output], image => images.NameOf(first + image));
        }
    }

    private ActivationStream Run(ActivationStream stream, GraphSegment segment, StreamModel model) =>
        stream.Run(segment, model, _options.Threads, _cancellationToken);

    /// <summary>The model with some quantized layers, computed as sessions do.</summary>
    private StreamModel QuantizedModelOf(IReadOnlyDictionary<string, QuantizedLayer> layers) =>
        new(_model.Weights, layers, _scans);

    /// <summary>The last segment that takes the value of a node, by its index.</summary>
    private static Dictionary<Node, int> LastReaders(IReadOnlyList<GraphSegment> segments, Node answer)
    {
        var readers = new Dictionary<Node, int>();
        for (int i = 0; i < segments.Count; i++)
        {
            foreach (Node input in segments[i].Inputs)
                readers[input] = i;
        }
        readers[answer] = segments.Count; // it is compared last, even if unused blocks follow
        return readers;
    }

    /// <summary>A quantized scan applies the softplus before it, so both are computed together.</summary>
    private void RequireWholeScans(IReadOnlyList<GraphSegment> segments)
    {
        IEnumerable<Node> cut = segments.SelectMany(
            segment =>
                segment.Nodes.Where(node => _scans.ContainsKey(node.Name) && !segment.Nodes.Contains(node.Inputs[1])));
        foreach (Node scan in cut)
        {
            throw new BitisException(
                $"The scan '{scan.Name}' and the softplus of its step, '{scan.Inputs[1].Name}', lie in different "
                + "blocks: put both into one block.");
        }
    }

    private ReconstructedBlock Quantize(
        GraphSegment segment, ActivationStream exact, ActivationStream exactNext, ActivationStream quantized)
    {
        long started = Stopwatch.GetTimestamp();
        int block = segment.Block!.Value;
        var done = new Dictionary<string, QuantizedLayer>();
        var linears = new List<LearnedLinear>();
        foreach (Node node in segment.Nodes.Where(_selected.ContainsKey))
        {
            _cancellationToken.ThrowIfCancellationRequested();
            Report(block, 0, $"block {block}: searching scales");
            (QuantizedLayer start, float[]? smoothing) = Search(node, segment, exact);
            if (start.IsInteger)
            {
                linears.Add(
                    new LearnedLinear(
                        node, Weight(node), Bias(node), start, smoothing,
                        !_settings.KeepsUnlearnedLayers || _model.Config.IsLearnedOfficially(node.Name)));
            }
            else
            {
                done.Add(node.Name, start);
            }
        }
        LearnedScan[] scans =
        [
            .. segment.Nodes.Where(node => _scans.ContainsKey(node.Name)).Select(node => new LearnedScan(
                node,
                _scans[node.Name],
                _model.Weights[node.ParameterNames[0]],
                _model.Weights[node.ParameterNames[1]],
                _recipe.Scan.SearchesOutput)),
        ];
        ILearnedOperator[] operators = [.. linears, .. scans];
        BlockRecord record = operators.Length == 0
            ? new BlockRecord(block, 0, 0, 0, 0)
            : Learn(segment, operators, done, exactNext, quantized);
        foreach (LearnedLinear linear in linears)
            done.Add(linear.Node.Name, linear.ToQuantized());
        return new ReconstructedBlock(
            done,
            scans.ToDictionary(scan => scan.Node.Name, scan => scan.ToQuantized()),
            record with { Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds });
    }

    /// <summary>The first scales of a layer, from its inputs in the float model, and its smoothing m.</summary>
    private (QuantizedLayer Linear, float[]? Smoothing) Search(
        Node node, GraphSegment segment, ActivationStream exact)
    {
        BitWidths bits = _selected[node];
        if (bits.Activations == BitWidths.Float)
        {
            return (
                QuantizedLayer.Create(Weight(node), bits, _recipe.Granularity, null, _estimator, _options.Threads),
                null);
        }

        Node input = node.Inputs[0];
        FloatTensor x = segment.Nodes.Contains(input)
            ? Run(exact, segment.For(input), _exactModel)[input]
            : exact[input].Clone();
        FloatTensor weight = Weight(node);
        float[]? smoothing = null;
        if (_settings.SmoothingAlpha is { } alpha && bits.Weights != BitWidths.Float)
        {
            smoothing = Quantization.Methods.Smoothing.Of(x, weight, alpha);
            Quantization.Methods.Smoothing.Divide(x, smoothing);
            weight = Quantization.Methods.Smoothing.Multiply(weight, smoothing);
        }
        var statistics = new SiteStatistics(
            $"{node.Name}.input", QuantizedLayer.InputGroups(_recipe.Granularity, node));
        statistics.ObserveRange(x);
        if (_estimator.NeedsHistograms)
            statistics.ObserveHistogram(x);
        if (_estimator.NeedsValues)
            statistics.Keep(x);
        return (
            QuantizedLayer.Create(weight, bits, _recipe.Granularity, statistics, _estimator, _options.Threads),
            smoothing);
    }

    private BlockRecord Learn(
        GraphSegment segment,
        ILearnedOperator[] operators,
        Dictionary<string, QuantizedLayer> unlearned,
        ActivationStream exactNext,
        ActivationStream quantized)
    {
        int block = segment.Block!.Value;
        // From the first linear layer on, whether it is quantized or not. Then the values of both directions lie in one
        // order.
        IEnumerable<Node> linears = segment.Nodes.Where(node => node.IsLinear);
        IEnumerable<Node> changing = linears.Concat(operators.SelectMany(learned => learned.Nodes));
        GraphSegment changed = segment.After(changing.ToHashSet());
        Node[] results = [.. changed.Outputs.Where(_leadToAnswer.Contains)];
        if (results.Length == 0 || (results.Length > 1 && _settings.Steps == 0))
            return new BlockRecord(block, 0, 0, 0, 0); // no loss to reduce
        if (results.Length > 1)
        {
            throw new BitisException(
                $"The block {block} has {results.Length} values that depend on its quantized layers and are read "
                + $"outside, {string.Join(", ", results.Select(output => $"'{output.Name}'"))}; "
                + $"'{_recipe.Method}' needs exactly one. End the block after the node that combines them.");
        }
        GraphSegment part = changed.For(results);
        var layers = LayersOf(segment).Concat(unlearned).ToDictionary();
        Dictionary<string, FloatTensor> weights = WeightsOf(segment, layers);
        ActivationStream before = Run(quantized, segment.For(part.Inputs), QuantizedModelOf(layers));
        using var learner = new BlockLearner(
            part,
            weights,
            layers,
            operators,
            part.Inputs.ToDictionary(node => node, node => before[node]),
            exactNext[results[0]],
            _settings.Loss,
            _options.Threads)
        { Times = _options.LearningTimes };
        return new ScaleLearning(
            [.. operators.SelectMany(learned => learned.Learned)], _settings, learner.Images, learner.Run,
            (step, loss) =>
        {
            _cancellationToken.ThrowIfCancellationRequested();
            Report(block, step, $"block {block}: loss {loss:G4}");
        }).Run(block);
    }

    private void Report(int block, int step, string? detail) => _options.Progress?.Report(new WorkProgress(
        _settings.Steps > 0 ? "learning scales" : "quantizing", ((long)block * Math.Max(_settings.Steps, 1)) + step,
            (long)Math.Max(_model.Graph.BlockCount, 1) * Math.Max(_settings.Steps, 1), detail));

    /// <summary>The weights of a segment, with the values of their levels in some layers.</summary>
    private Dictionary<string, FloatTensor> WeightsOf(
        GraphSegment segment, IReadOnlyDictionary<string, QuantizedLayer> layers)
    {
        Dictionary<string, FloatTensor> weights = segment.Nodes.SelectMany(node => node.ParameterNames).Distinct()
            .ToDictionary(name => name, name => _model.Weights[name]);
        foreach ((string name, QuantizedLayer layer) in layers)
        {
            Node node = _model.Graph[name];
            if (layer.Weight is not null)
                weights[node.ParameterNames[0]] = layer.DequantizeWeight(node.Operator);
        }
        return weights;
    }

    /// <summary>The layers of a segment that are quantized already.</summary>
    private Dictionary<string, QuantizedLayer> LayersOf(GraphSegment segment) =>
        segment.Nodes.Where(node => _layers.ContainsKey(node.Name)).ToDictionary(
            node => node.Name, node => _layers[node.Name]);

    private FloatTensor Weight(Node node) => _model.Weights[node.ParameterNames[0]];

    private FloatTensor? Bias(Node node) =>
        node.ParameterNames.Count > 1 ? _model.Weights[node.ParameterNames[1]] : null;
}
