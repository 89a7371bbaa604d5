using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Tensors;

namespace Bitis.Quantization;

/// <summary>Finds the grids of a model's scans (QMamba): observes the float model, then tries grids on a few images' scans.</summary>
internal sealed class ScanCalibrator
{
    private const int SampleImages = 4;

    private static readonly double[] ClipFactors = [1, 0.85, 0.7, 0.55, 0.4, 0.3, 0.2];

    private readonly Dictionary<Node, ScanObserver> _observers;
    private readonly GraphExecutor _executor;
    private readonly IRangeEstimator _estimator;
    private readonly ScanMethod _method;
    private readonly int _bits;
    private bool _collectHistograms;

    /// <summary>Prepares a run.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="weights">Its float parameters.</param>
    /// <param name="evaluator">What computes a node.</param>
    /// <param name="estimator">What decides ranges.</param>
    /// <param name="method">How scans are quantized.</param>
    /// <param name="bits">Bits of an activation.</param>
    public ScanCalibrator(
        Graph graph, IReadOnlyDictionary<string, Tensor> weights, INodeEvaluator evaluator, IRangeEstimator estimator, ScanMethod method, int bits)
    {
        _estimator = estimator;
        _method = method;
        _bits = bits;
        _observers = graph.Nodes.Where(node => node.Operator is SelectiveScan).ToDictionary(
            node => node,
            node => new ScanObserver(
                node.Name, node.Shape[0], (SelectiveScan)node.Operator, weights[node.ParameterNames[0]], weights[node.ParameterNames[1]], SampleImages));
        _executor = new GraphExecutor(graph, weights, new ProbingEvaluator(evaluator, Observe));
    }

    /// <summary>Runs the images, once or twice, and chooses the grids.</summary>
    /// <returns>The quantized scans by the name of their node.</returns>
    public Dictionary<string, QuantizedScan> Run(IEnumerable<Tensor> batches, IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        Walk("calibrating: scans");
        if (_estimator.NeedsHistograms)
        {
            _collectHistograms = true;
            Walk("calibrating: scans' histograms");
        }
        var scans = new Dictionary<string, QuantizedScan>();
        foreach ((Node node, ScanObserver observer) in _observers)
        {
            cancellationToken.ThrowIfCancellationRequested();
            scans.Add(node.Name, Choose(observer));
            progress?.Report(new WorkProgress("quantizing scans", scans.Count, _observers.Count));
        }
        return scans;

        void Walk(string stage)
        {
            int images = 0;
            foreach (Tensor batch in batches)
            {
                _executor.Run(batch, cancellationToken);
                images += batch.Shape[0];
                progress?.Report(new WorkProgress(stage, images, 0));
            }
        }
    }

    private void Observe(Node node, ReadOnlySpan<Tensor> inputs)
    {
        if (!_observers.TryGetValue(node, out ScanObserver? observer))
            return;
        if (_collectHistograms)
            observer.ObserveHistograms(inputs);
        else
            observer.ObserveRanges(inputs);
    }

    private QuantizedScan Choose(ScanObserver observer)
    {
        UniformQuantizer u = Unsigned(observer.Operands[0]), delta = Unsigned(observer.Operands[1]);
        UniformQuantizer b = Signed(observer.Operands[2]), c = Signed(observer.Operands[3]);
        sbyte[] rates = [.. observer.RateLogarithms.Span.ToArray().Select(QuantizedScan.RateCode)];
        var scan = new QuantizedScan(u, delta, b, c, PlainDecay(observer), HiddenState(observer, clip: 1), rates);
        if (!_method.SearchesOutput)
            return scan;
        // Each in turn, by the error of the scan's output: the notes on QMamba say why Ā's own error misleads.
        scan = Best(observer, scan, [.. DecayCandidates(observer).Select(decay => With(scan, decay: decay))]);
        scan = Best(observer, scan, [.. ClipFactors.Select(clip => With(scan, hiddenState: HiddenState(observer, clip)))]);
        scan = Best(observer, scan, [.. ClipFactors.Select(clip => With(scan, delta: Scaled(delta, clip)))]);
        scan = Best(observer, scan, [.. ClipFactors.Select(clip => With(scan, b: Scaled(b, clip)))]);
        scan = Best(observer, scan, [.. ClipFactors.Select(clip => With(scan, c: Scaled(c, clip)))]);
        return Best(observer, scan, [.. DecayCandidates(observer).Select(decay => With(scan, decay: decay))]);
    }

    private static QuantizedScan Best(ScanObserver observer, QuantizedScan current, QuantizedScan[] candidates)
    {
        double least = observer.OutputError(current);
        foreach (QuantizedScan candidate in candidates)
        {
            double error = observer.OutputError(candidate);
            if (error < least)
                (least, current) = (error, candidate);
        }
        return current;
    }

    private static QuantizedScan With(
        QuantizedScan scan,
        UniformQuantizer? delta = null,
        UniformQuantizer? b = null,
        UniformQuantizer? c = null,
        DecayQuantizer? decay = null,
        HiddenStateQuantizer? hiddenState = null) =>
        new(scan.U, delta ?? scan.Delta, b ?? scan.B, c ?? scan.C, decay ?? scan.Decay, hiddenState ?? scan.HiddenState, scan.RateCodes);

    private static UniformQuantizer Scaled(UniformQuantizer quantizer, double factor)
    {
        float[] scales = [(float)(quantizer.Scales[0] * factor)];
        return quantizer.IsSymmetric
            ? UniformQuantizer.Symmetric(quantizer.Bits, Granularity.PerTensor, scales)
            : UniformQuantizer.Asymmetric(quantizer.Bits, Granularity.PerTensor, scales, quantizer.ZeroPoints.ToArray());
    }

    private DecayQuantizer PlainDecay(ScanObserver observer) =>
        DecayQuantizer.Uniform(_bits, observer.Statistics.DecayQuantile(0), observer.Statistics.DecayQuantile(1));

    private IEnumerable<DecayQuantizer> DecayCandidates(ScanObserver observer)
    {
        yield return PlainDecay(observer);
        foreach (double share in (double[])[0.01, 0.05, 0.1])
            yield return DecayQuantizer.Uniform(_bits, observer.Statistics.DecayQuantile(share), observer.Statistics.DecayQuantile(1));
        if (!_method.IsLongTailed)
            yield break;
        foreach (int r in _method.LevelsPerOctave!)
        {
            yield return DecayQuantizer.LongTailed(_bits, r);
            for (double scale = 0.25; r > 1 && scale < 1; scale += 0.25)
                yield return DecayQuantizer.LongTailed(_bits, r, scale);
        }
    }

    private HiddenStateQuantizer HiddenState(ScanObserver observer, double clip)
    {
        float[] tokens = observer.Statistics.TokenMaxima, channels = [1];
        if (_method.IsPerChannel)
        {
            channels = Array.ConvertAll(observer.Statistics.ChannelMaxima, value => Math.Max(value, 1e-6f));
            for (int t = 0; t < tokens.Length; t++)
            {
                ReadOnlySpan<float> maxima = observer.Statistics.MaximaOf(t);
                tokens[t] = 0;
                for (int e = 0; e < channels.Length; e++)
                    tokens[t] = Math.Max(tokens[t], maxima[e] / channels[e]);
            }
        }
        int[] starts = _method.HasOptimalGroups
            ? TimeGroups.Optimal(tokens, _method.TimeGroups)
            : TimeGroups.Equal(tokens.Length, _method.TimeGroups);
        var scales = new float[starts.Length];
        for (int g = 0; g < starts.Length; g++)
        {
            int end = g + 1 < starts.Length ? starts[g + 1] : tokens.Length;
            float largest = tokens.AsSpan(starts[g], end - starts[g]).ToArray().Max();
            scales[g] = (float)Math.Max(largest * clip / ((1 << (_bits - 1)) - 1), 1e-12);
        }
        return new HiddenStateQuantizer(_bits, tokens.Length, starts, scales, channels);
    }

    private UniformQuantizer Unsigned(SiteStatistics statistics) =>
        UniformQuantizer.ForRanges(_bits, Granularity.PerTensor, [_estimator.ActivationRange(statistics, 0, _bits)]);

    private UniformQuantizer Signed(SiteStatistics statistics)
    {
        ValueRange range = _estimator.ActivationRange(statistics, 0, _bits);
        float magnitude = Math.Max(Math.Abs(range.Low), Math.Abs(range.High));
        return UniformQuantizer.Symmetric(_bits, Granularity.PerTensor, [UniformQuantizer.SymmetricScale(_bits, magnitude)]);
    }
}
