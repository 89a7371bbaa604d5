using System.Numerics.Tensors;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Quantization.Calibration;
using Bitis.Quantization.Estimators;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;

namespace Bitis.Quantization.Scans;

/// <summary>Finds the quantizers of a model's scans (QMamba).</summary>
/// <remarks>
/// It observes the float model. Then a range estimator decides, or candidates are tried on the scans of a few images,
/// one operand after the other. The candidate with the least error of the scan's output is kept.
/// </remarks>
internal sealed class ScanCalibrator
{
    private const int MaxSampleImages = 32, MinSampleImages = 4, Rounds = 2;

    /// <summary>The approximate number of sample values kept for all scans together: 256 MB.</summary>
    private const long SampleValues = 1 << 26;

    /// <summary>The shares of a range to try.</summary>
    private static readonly double[] Clips = [1.1, 1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.42, 0.35, 0.28, 0.2];

    /// <summary>The multiples of h's usual magnitude to try; h may exceed them.</summary>
    private static readonly double[] HiddenStateClips =
    [
        32, 22.6, 16, 11.3, 8, 5.7, 4, 3.3, 2.7, 2.2, 1.8, 1.5, 1.25, 1, 0.8, 0.6, 0.42,
    ];

    private readonly Dictionary<Node, ScanObserver> _observers = [];
    private readonly Dictionary<Node, ScanObserver> _bySoftplus = [];
    private readonly GraphExecutor _executor;
    private readonly IRangeEstimator _estimator, _inputEstimator;
    private readonly ScanMethod _method;
    private bool _collectsHistograms;

    /// <summary>Prepares a run.</summary>
    /// <param name="graph">The model. Each scan has its own softplus before Δ.</param>
    /// <param name="weights">Its float parameters.</param>
    /// <param name="evaluator">The evaluator that computes the nodes.</param>
    /// <param name="estimator">The estimator of the ranges.</param>
    /// <param name="method">How scans are quantized.</param>
    /// <param name="scans">The scans to quantize, with the bits of their sites.</param>
    public ScanCalibrator(
        Graph graph, IReadOnlyDictionary<string, FloatTensor> weights, INodeEvaluator evaluator,
        IRangeEstimator estimator, ScanMethod method, IReadOnlyList<(Node Node, int Bits)> scans)
    {
        _estimator = estimator;
        _inputEstimator = method.InputPercentile is { } percentile ? new PercentileEstimator(percentile) : estimator;
        _method = method;
        // u, Δ, y; B, C
        long imageValues = scans.Sum(
            scan => (3 * scan.Node.Shape.ElementCount) + (2 * scan.Node.Inputs[2].Shape.ElementCount));
        int samples = (int)Math.Clamp(SampleValues / Math.Max(imageValues, 1), MinSampleImages, MaxSampleImages);
        foreach ((Node node, int bits) in scans)
        {
            var observer = new ScanObserver(
                node,
                bits,
                weights[node.ParameterNames[0]],
                weights[node.ParameterNames[1]],
                method.HasFineScales,
                samples);
            _observers.Add(node, observer);
            _bySoftplus.Add(node.Inputs[1], observer);
        }
        _executor = new GraphExecutor(graph, weights, new ProbingEvaluator(evaluator, Observe));
    }

    /// <summary>Runs the images, once or twice, and chooses the quantizers.</summary>
    /// <returns>The quantized scans by the name of their node.</returns>
    public Dictionary<string, QuantizedScan> Run(
        CalibrationSet images, IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        Walk("calibrating: scans");
        if (_estimator.NeedsHistograms || _inputEstimator.NeedsHistograms)
        {
            _collectsHistograms = true;
            Walk("calibrating: scans' histograms");
        }
        var scans = new Dictionary<string, QuantizedScan>();
        foreach ((Node node, ScanObserver observer) in _observers)
        {
            cancellationToken.ThrowIfCancellationRequested();
            QuantizedScan start = Estimate(observer);
            scans.Add(node.Name, _method.SearchesOutput ? Search(observer, start) : start);
            progress?.Report(new WorkProgress("quantizing scans", scans.Count, _observers.Count));
        }
        return scans;

        void Walk(string stage)
        {
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
        if (_bySoftplus.TryGetValue(node, out ScanObserver? observer))
            observer.ObserveSoftplus(inputs[0]);
        if (!_observers.TryGetValue(node, out observer))
            return;
        if (_collectsHistograms)
            observer.ObserveHistograms(inputs, observesInside: !_method.SearchesOutput);
        else
            observer.ObserveRanges(inputs, observesInside: !_method.SearchesOutput);
    }

    /// <summary>Creates the quantizers from the estimator's ranges.</summary>
    private QuantizedScan Estimate(ScanObserver observer)
    {
        ValueRange delta = _estimator.ActivationRange(observer.Delta, 0, observer.Bits);
        return new QuantizedScan(
            UniformQuantizer.ForRanges(
                observer.Bits, observer.U.Groups == 1 ? Granularity.PerTensor : Granularity.PerChannel,
                Ranges(observer, observer.U, _inputEstimator)),
            DeltaQuantizer.AfterSoftplus(observer.Bits, Math.Max(delta.High, 1e-20f) / ((1 << observer.Bits) - 1)),
            Signed(observer, observer.B),
            Signed(observer, observer.C),
            Decay(observer),
            HiddenState(
                observer,
                _method.SearchesOutput
                    ? null
                    : Magnitude(_estimator.ActivationRange(observer.HiddenState, 0, observer.Bits))),
            observer.RateCodes);
    }

    private DecayQuantizer Decay(ScanObserver observer)
    {
        if (_method.Decay == DecaySpacing.Logarithmic)
            return DecayQuantizer.Logarithmic(observer.Bits);
        if (_method.SearchesOutput)
        {
            return DecayQuantizer.Uniform(
                observer.Bits, observer.Statistics.DecayQuantile(0), observer.Statistics.DecayQuantile(1));
        }

        ValueRange range = _estimator.ActivationRange(observer.Decay, 0, observer.Bits);
        return DecayQuantizer.Uniform(
            observer.Bits, Math.Max(range.Low, observer.Decay.Range(0).Low), Math.Min(range.High, 1));
    }

    /// <summary>Searches the quantizers of one operand after the other, by the error of the scan's output.</summary>
    /// <remarks>The notes on QMamba say why the error of Ā itself misleads.</remarks>
    private QuantizedScan Search(ScanObserver observer, QuantizedScan scan)
    {
        double least = observer.OutputErrors(scan).Sum();
        UniformQuantizer u = scan.U, b = scan.B, c = scan.C;
        HiddenStateQuantizer hidden = scan.HiddenState;
        float deltaScale = scan.Delta.Scale;
        for (int round = 0; round < Rounds; round++)
        {
            Try(
                _method.HasFineScales
                    ? DeltasBeforeSoftplus(observer)
                    : Clips.Select(clip => DeltaQuantizer.AfterSoftplus(observer.Bits, (float)(deltaScale * clip))),
                (s, delta) => With(s, delta: delta));
            Try(Decays(observer), (s, decay) => With(s, decay: decay));
            Try(HiddenStates(observer, scan, hidden), (s, hiddenState) => With(s, hiddenState: hiddenState));
            Try(Inputs(observer, scan, u), (s, quantizer) => With(s, u: quantizer));
            Try(Clips.Select(clip => Clipped(b, _ => clip)), (s, quantizer) => With(s, b: quantizer));
            Try(Clips.Select(clip => Clipped(c, _ => clip)), (s, quantizer) => With(s, c: quantizer));
        }
        return scan;

        void Try<T>(IEnumerable<T> candidates, Func<QuantizedScan, T, QuantizedScan> with)
        {
            QuantizedScan start = scan;
            foreach (T candidate in candidates)
            {
                QuantizedScan changed = with(start, candidate);
                double error = observer.OutputErrors(changed).Sum();
                if (error < least)
                    (least, scan) = (error, changed);
            }
        }
    }

    /// <summary>Candidates for h: one clip for all channels or, if each has a scale, the best clip for each.</summary>
    private IEnumerable<HiddenStateQuantizer> HiddenStates(
        ScanObserver observer, QuantizedScan scan, HiddenStateQuantizer quantizer)
    {
        if (!_method.HasFineScales)
            return Clips.Select(clip => Clipped(quantizer, _ => clip, isDithered: false));
        return ((bool[])[false, true]).Select(isDithered =>
        {
            double[] best = BestClips(
                observer, HiddenStateClips, clip => With(scan, hiddenState: Clipped(quantizer, _ => clip, isDithered)));
            return Clipped(quantizer, e => best[e], isDithered);
        });
    }

    /// <summary>Candidates for u, chosen in the same way.</summary>
    private IEnumerable<UniformQuantizer> Inputs(ScanObserver observer, QuantizedScan scan, UniformQuantizer quantizer)
    {
        if (!_method.HasFineScales)
            return Clips.Select(clip => Clipped(quantizer, _ => clip));
        double[] best = BestClips(observer, Clips, clip => With(scan, u: Clipped(quantizer, _ => clip)));
        return [Clipped(quantizer, e => best[e])];
    }

    /// <summary>For each channel, the clip with the least error of its output.</summary>
    private static double[] BestClips(ScanObserver observer, double[] clips, Func<double, QuantizedScan> with)
    {
        double[][] errors = [.. clips.Select(clip => observer.OutputErrors(with(clip)))];
        return [.. Enumerable.Range(
            0, errors[0].Length).Select(e => clips[Enumerable.Range(0, clips.Length).MinBy(i => errors[i][e])])];
    }

    private static QuantizedScan With(
        QuantizedScan scan,
        UniformQuantizer? u = null,
        DeltaQuantizer? delta = null,
        UniformQuantizer? b = null,
        UniformQuantizer? c = null,
        DecayQuantizer? decay = null,
        HiddenStateQuantizer? hiddenState = null) =>
        new(
            u ?? scan.U, delta ?? scan.Delta, b ?? scan.B, c ?? scan.C, decay ?? scan.Decay,
            hiddenState ?? scan.HiddenState, scan.RateCodes);

    /// <summary>The quantizer with its levels over a part of the range; zero stays a level.</summary>
    private static UniformQuantizer Clipped(UniformQuantizer quantizer, Func<int, double> clipOf)
    {
        float[] scales = [.. quantizer.Scales.ToArray().Select((scale, i) => (float)(scale * clipOf(i)))];
        if (quantizer.IsSymmetric)
            return UniformQuantizer.Symmetric(quantizer.Bits, quantizer.Granularity, scales);
        // The upper end is cut, since u, the output of a SiLU, has its long tail there.
        int[] zeros =
        [
            .. quantizer.ZeroPoints.ToArray().Select(
                (zero, i) => (int)Math.Clamp(Math.Round(zero / clipOf(i)), 0, quantizer.MaxLevel)),
        ];
        return UniformQuantizer.Asymmetric(quantizer.Bits, quantizer.Granularity, scales, zeros);
    }

    /// <summary>The quantizer of hidden states over a part of the range.</summary>
    private static HiddenStateQuantizer Clipped(
        HiddenStateQuantizer quantizer, Func<int, double> clipOf, bool isDithered) =>
        new(
        quantizer.Bits,
        quantizer.Tokens,
        [.. quantizer.GroupStarts],
        [.. quantizer.GroupScales],
        [.. quantizer.ChannelScales.Select((scale, e) => (float)(scale * clipOf(e)))],
        isDithered);

    private static IEnumerable<DeltaQuantizer> DeltasBeforeSoftplus(ScanObserver observer)
    {
        ValueRange range = observer.SoftplusInput;
        float width = Math.Max(range.High - range.Low, 1e-6f);
        for (float low = 0; low < 0.65f; low += 0.08f)
        {
            for (float high = 0; high < 0.35f; high += 0.08f)
            {
                yield return DeltaQuantizer.BeforeSoftplus(
                    observer.Bits, width * (1 - low - high) / ((1 << observer.Bits) - 1), range.Low + (low * width));
            }
        }
    }

    private IEnumerable<DecayQuantizer> Decays(ScanObserver observer)
    {
        foreach (double share in (double[])[0, 0.01, 0.05, 0.1])
        {
            yield return DecayQuantizer.Uniform(
                observer.Bits, observer.Statistics.DecayQuantile(share), observer.Statistics.DecayQuantile(1));
        }

        if (_method.Decay != DecaySpacing.LongTailed)
            yield break;
        foreach (int r in _method.LevelsPerOctave!)
        {
            yield return DecayQuantizer.LongTailed(observer.Bits, r);
            for (double scale = 0.25; r > 1 && scale < 1; scale += 0.25)
                yield return DecayQuantizer.LongTailed(observer.Bits, r, scale);
        }
    }

    /// <summary>
    /// The quantizer of h, over the magnitudes of calibration or over one magnitude from an estimator.
    /// </summary>
    private HiddenStateQuantizer HiddenState(ScanObserver observer, double? magnitude)
    {
        float[] tokens = observer.Statistics.TokenMaxima, channels = [1];
        if (_method.HasFineScales)
        {
            // Usual magnitudes instead of the largest ones. Over many images and channels, the largest values are the
            // same at all tokens, so groups would have no effect.
            float[][] usual = [.. Enumerable.Range(0, tokens.Length).Select(observer.Statistics.MeanMaximaOf)];
            channels =
            [
                .. Enumerable.Range(0, usual[0].Length).Select(e => Math.Max(usual.Max(token => token[e]), 1e-6f)),
            ];
            for (int t = 0; t < tokens.Length; t++)
            {
                TensorPrimitives.Divide(usual[t], channels, usual[t]);
                tokens[t] = TensorPrimitives.Norm<float>(usual[t]) / MathF.Sqrt(channels.Length);
            }
        }
        int[] starts = GroupStarts(tokens);
        var scales = new float[starts.Length];
        for (int g = 0; g < starts.Length; g++)
        {
            int end = g + 1 < starts.Length ? starts[g + 1] : tokens.Length;
            double largest = magnitude ?? tokens.AsSpan(starts[g], end - starts[g]).ToArray().Max();
            scales[g] = (float)Math.Max(largest / ((1 << (observer.Bits - 1)) - 1), 1e-12);
        }
        return new HiddenStateQuantizer(observer.Bits, tokens.Length, starts, scales, channels);
    }

    /// <summary>The first tokens of the groups.</summary>
    /// <remarks>Long groups begin at multiples of four, since kernels take four tokens of a group at a time.</remarks>
    private int[] GroupStarts(float[] ranges)
    {
        int length = ranges.Length >= 8 * _method.TimeGroups ? 4 : 1;
        float[] blocks = [.. ranges.Chunk(length).Select(block => block.Max())];
        int[] starts = _method.HasOptimalGroups
            ? TimeGroups.Optimal(blocks, _method.TimeGroups)
            : TimeGroups.Equal(blocks.Length, _method.TimeGroups);
        return Array.ConvertAll(starts, start => start * length);
    }

    private UniformQuantizer Signed(ScanObserver observer, SiteStatistics statistics) => UniformQuantizer.Symmetric(
        observer.Bits,
        statistics.Groups == 1 ? Granularity.PerTensor : Granularity.PerToken,
        [
            .. Ranges(observer, statistics, _estimator).Select(
                range => UniformQuantizer.SymmetricScale(observer.Bits, Magnitude(range))),
        ]);

    private static ValueRange[] Ranges(
        ScanObserver observer, SiteStatistics statistics, IRangeEstimator estimator) =>
        [.. Enumerable.Range(
            0, statistics.Groups).Select(group => estimator.ActivationRange(statistics, group, observer.Bits))];

    private static float Magnitude(ValueRange range) => Math.Max(Math.Abs(range.Low), Math.Abs(range.High));
}
