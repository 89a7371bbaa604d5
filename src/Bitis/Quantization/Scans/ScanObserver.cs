using System.Numerics.Tensors;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Kernels.Scan;
using Bitis.Quantization.Calibration;
using Bitis.Quantization.Estimators;

namespace Bitis.Quantization.Scans;

/// <summary>Collects the calibration statistics of one scan.</summary>
/// <remarks>
/// These are statistics of its operands, the distribution of Ā, and the largest |h| of each token and channel. It also
/// keeps the operands of the first images, to try quantizers on.
/// </remarks>
internal sealed class ScanObserver
{
    private readonly Node _node;
    private readonly FloatTensor _aLog;
    private readonly FloatTensor _d;
    private readonly int _sampleImages;
    private readonly List<FloatTensor[]> _samples = [];
    private readonly List<FloatTensor> _outputs = [];
    private FloatTensor? _softplusInput;

    /// <summary>Creates empty statistics.</summary>
    /// <param name="node">The scan.</param>
    /// <param name="bits">The bits of its sites.</param>
    /// <param name="aLog">A_log.</param>
    /// <param name="d">D.</param>
    /// <param name="hasFineScales">Whether statistics are for each channel of u and each token of B and C.</param>
    /// <param name="sampleImages">How many images to keep.</param>
    public ScanObserver(
        Node node, int bits, FloatTensor aLog, FloatTensor d, bool hasFineScales, int sampleImages)
    {
        string name = node.Name;
        int tokens = node.Shape[0];
        ScanSize scan = node.Operator.ScanSize!;
        _node = node;
        Bits = bits;
        _aLog = aLog;
        _d = d;
        _sampleImages = sampleImages;
        Statistics = new ScanStatistics(name, tokens, scan);
        U = new SiteStatistics($"{name}.u", hasFineScales ? scan.Channels : 1);
        Delta = new SiteStatistics($"{name}.delta", groups: 1);
        B = new SiteStatistics($"{name}.B", hasFineScales ? tokens : 1);
        C = new SiteStatistics($"{name}.C", hasFineScales ? tokens : 1);
        Decay = new SiteStatistics($"{name}.discreteA", groups: 1);
        HiddenState = new SiteStatistics($"{name}.hiddenState", groups: 1);
    }

    /// <summary>The bits of the scan's sites.</summary>
    public int Bits { get; }

    /// <summary>Ā and h: their distribution and magnitudes.</summary>
    public ScanStatistics Statistics { get; }

    /// <summary>u.</summary>
    public SiteStatistics U { get; }

    /// <summary>Δ, after the softplus.</summary>
    public SiteStatistics Delta { get; }

    /// <summary>The extremes of Δ before the softplus.</summary>
    public ValueRange SoftplusInput { get; private set; } = new(float.PositiveInfinity, float.NegativeInfinity);

    /// <summary>B.</summary>
    public SiteStatistics B { get; }

    /// <summary>C.</summary>
    public SiteStatistics C { get; }

    /// <summary>Ā.</summary>
    public SiteStatistics Decay { get; }

    /// <summary>h.</summary>
    public SiteStatistics HiddenState { get; }

    /// <summary>The codes of A.</summary>
    public sbyte[] RateCodes => Array.ConvertAll(_aLog.Span.ToArray(), QuantizedScan.RateCode);

    /// <summary>Stores the input of the softplus before the scan, just before the scan runs.</summary>
    public void ObserveSoftplus(FloatTensor input) => _softplusInput = input;

    /// <summary>First pass.</summary>
    /// <param name="inputs">u, Δ, B and C.</param>
    /// <param name="observesInside">Whether Ā and h are observed, too.</param>
    public void ObserveRanges(ReadOnlySpan<FloatTensor> inputs, bool observesInside)
    {
        foreach ((SiteStatistics site, FloatTensor values) in Sites(inputs))
            site.ObserveRange(values);
        Statistics.Observe(
            inputs, _aLog,
            observesInside ? (decay, states) =>
                { Decay.ObserveRange(decay); HiddenState.ObserveRange(states); }
        : null);
        FloatTensor x = _softplusInput!;
        SoftplusInput = new(
            Math.Min(SoftplusInput.Low, TensorPrimitives.Min<float>(x.Span)),
                Math.Max(SoftplusInput.High, TensorPrimitives.Max<float>(x.Span)));
        int batch = inputs[0].Shape[0];
        for (int image = 0; image < batch && _samples.Count < _sampleImages; image++)
        {
            FloatTensor[] sample = [.. inputs.ToArray().Select(values => ImageOf(values, image))];
            _outputs.Add(_node.Operator.Forward(sample, [_aLog, _d]));
            _samples.Add([sample[0], ImageOf(x, image), sample[2], sample[3]]);
        }
    }

    /// <summary>Second pass.</summary>
    /// <inheritdoc cref="ObserveRanges"/>
    public void ObserveHistograms(ReadOnlySpan<FloatTensor> inputs, bool observesInside)
    {
        foreach ((SiteStatistics site, FloatTensor values) in Sites(inputs))
            site.ObserveHistogram(values);
        if (observesInside)
        {
            var unused = new ScanStatistics(Statistics.Name, inputs[0].Shape[1], _node.Operator.ScanSize!);
            unused.Observe(inputs, _aLog, (decay, states) =>
            {
                Decay.ObserveHistogram(decay);
                HiddenState.ObserveHistogram(states);
            });
        }
    }

    /// <summary>The squared error of the scan's output on the kept images, by channel.</summary>
    /// <remarks>
    /// A channel's error depends only on its own scales of u and h, and on the levels that all channels share.
    /// </remarks>
    public double[] OutputErrors(QuantizedScan candidate)
    {
        using var packed = new PackedScan(candidate.TablesFor(_d, _outputs[0].Shape[1]));
        var errors = new double[_samples.Count][];
        Parallel.For(0, errors.Length, image =>
        {
            FloatTensor difference = Scan(packed, _samples[image]);
            TensorPrimitives.Subtract(difference.Span, _outputs[image].Span, difference.Span);
            int channels = difference.Shape[2];
            var sums = new float[channels];
            for (int row = 0; row < difference.Length; row += channels)
            {
                ReadOnlySpan<float> token = difference.Span.Slice(row, channels);
                TensorPrimitives.MultiplyAdd(token, token, sums, sums);
            }
            errors[image] = Array.ConvertAll(sums, sum => (double)sum);
        });
        return [.. Enumerable.Range(0, errors[0].Length).Select(e => errors.Sum(image => image[e]))];
    }

    private static FloatTensor Scan(PackedScan packed, FloatTensor[] sample)
    {
        FloatTensor y = FloatTensor.Uninitialized(sample[0].Shape);
        var call = IntegerScanCall.ForImage(packed, 0, sample[0], sample[1], sample[2], sample[3], y);
        IntegerScan.Run(in call, 0, y.Shape[2]);
        GC.KeepAlive(sample);
        return y;
    }

    private IEnumerable<(SiteStatistics Site, FloatTensor Values)> Sites(ReadOnlySpan<FloatTensor> inputs)
    {
        // A group is a row. The rows of u are channels if each channel has a scale.
        FloatTensor u = U.Groups == 1 ? inputs[0] : SiteStatistics.ByChannel(inputs[0]);
        return [(U, u), (Delta, inputs[1]), (B, inputs[2]), (C, inputs[3])];
    }

    private static FloatTensor ImageOf(FloatTensor values, int image)
    {
        int length = values.Length / values.Shape[0];
        return FloatTensor.From(values.Shape.DropFirst().Prepend(1), values.Span.Slice(image * length, length));
    }
}
