using System.Numerics.Tensors;
using Bitis.Operators;
using Tensor = Bitis.Tensors.Tensor;

namespace Bitis.Quantization;

/// <summary>
/// What calibration sees of one scan: statistics of its operands, Ā's distribution, the largest |h| of each token and channel, and
/// the operands of the first images themselves, to try grids on.
/// </summary>
internal sealed class ScanObserver
{
    private static readonly string[] Sites = ["u", "delta", "B", "C"];

    private readonly SelectiveScan _scan;
    private readonly Tensor _aLog;
    private readonly Tensor _d;
    private readonly int _sampleImages;
    private readonly List<Tensor[]> _samples = [];
    private readonly List<Tensor> _outputs = [];

    /// <summary>Starts with nothing seen.</summary>
    /// <param name="name">The scan's node.</param>
    /// <param name="tokens">L.</param>
    /// <param name="scan">The scan.</param>
    /// <param name="aLog">A_log.</param>
    /// <param name="d">D.</param>
    /// <param name="sampleImages">How many images to keep.</param>
    public ScanObserver(string name, int tokens, SelectiveScan scan, Tensor aLog, Tensor d, int sampleImages)
    {
        _scan = scan;
        _aLog = aLog;
        _d = d;
        _sampleImages = sampleImages;
        Statistics = new ScanStatistics(name, tokens, scan);
        Operands = [.. Sites.Select(site => new SiteStatistics($"{name}.{site}", groups: 1))];
    }

    /// <summary>Ā and h.</summary>
    public ScanStatistics Statistics { get; }

    /// <summary>u, Δ, B and C.</summary>
    public SiteStatistics[] Operands { get; }

    /// <summary>A_log.</summary>
    public Tensor RateLogarithms => _aLog;

    /// <summary>D.</summary>
    public Tensor Skip => _d;

    /// <summary>First pass.</summary>
    public void ObserveRanges(ReadOnlySpan<Tensor> inputs)
    {
        for (int i = 0; i < Operands.Length; i++)
            Operands[i].ObserveRange(inputs[i]);
        Statistics.Observe(inputs, _aLog);
        int batch = inputs[0].Shape[0];
        for (int image = 0; image < batch && _samples.Count < _sampleImages; image++)
        {
            var sample = new Tensor[Operands.Length];
            for (int i = 0; i < sample.Length; i++)
            {
                int length = inputs[i].Length / batch;
                sample[i] = Tensor.From(inputs[i].Shape.DropFirst().Prepend(1), inputs[i].Span.Slice(image * length, length));
            }
            _samples.Add(sample);
            _outputs.Add(_scan.Forward(sample, [_aLog, _d]));
        }
    }

    /// <summary>Second pass.</summary>
    public void ObserveHistograms(ReadOnlySpan<Tensor> inputs)
    {
        for (int i = 0; i < Operands.Length; i++)
            Operands[i].ObserveHistogram(inputs[i]);
    }

    /// <summary>The mean squared error of the scan's output on the kept images, relative to the output's own mean square.</summary>
    public double OutputError(QuantizedScan candidate)
    {
        double error = 0, energy = 0;
        foreach ((Tensor[] sample, Tensor expected) in _samples.Zip(_outputs))
        {
            Tensor actual = SimulatedScan.Run(candidate, sample, _d);
            double distance = TensorPrimitives.Distance<float>(expected.Span, actual.Span);
            error += distance * distance;
            energy += TensorPrimitives.SumOfSquares<float>(expected.Span);
        }
        return error / Math.Max(energy, 1e-30);
    }
}
