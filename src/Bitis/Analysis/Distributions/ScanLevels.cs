using Bitis.Graphs;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Scans;
using Bitis.Tensors;

namespace Bitis.Analysis.Distributions;

/// <summary>Counts what is inside of a quantized scan between its levels: u, Δ, Ā, B, C and h.</summary>
/// <remarks>Ā and h are those of the recurrence in float32, from the values that the scan gets.</remarks>
internal sealed class ScanLevels
{
    private readonly Node _node;
    private readonly QuantizedScan _scan;
    private readonly ScanStatistics _statistics;
    private readonly LevelCounts _u, _delta, _b, _c, _hiddenState;

    /// <summary>Counts nothing yet.</summary>
    /// <param name="node">The scan's node.</param>
    /// <param name="scan">Its quantizers.</param>
    public ScanLevels(Node node, QuantizedScan scan)
    {
        (_node, _scan) = (node, scan);
        _statistics = new ScanStatistics(node.Name, node.Shape[0], node.Operator.ScanSize!);
        (_u, _b, _c) = (Of(scan.U), Of(scan.B), Of(scan.C));
        _delta = new LevelCounts(0, scan.Delta.MaxLevel);
        int half = 1 << (scan.HiddenState.Bits - 1);
        _hiddenState = new LevelCounts(-half, half - 1);

        static LevelCounts Of(UniformQuantizer quantizer) => new(quantizer.MinLevel, quantizer.MaxLevel);
    }

    /// <summary>Adds the values of a batch.</summary>
    /// <param name="inputs">u, Δ, B and C.</param>
    /// <param name="beforeSoftplus">Δ before its softplus.</param>
    /// <param name="rates">A_log.</param>
    public void Add(ReadOnlySpan<FloatTensor> inputs, FloatTensor beforeSoftplus, FloatTensor rates)
    {
        Add(_u, inputs[0], _scan.U);
        Add(_b, inputs[2], _scan.B);
        Add(_c, inputs[3], _scan.C);
        foreach (float value in (_scan.Delta.IsBeforeSoftplus ? beforeSoftplus : inputs[1]).Span)
            _delta.Add((value - _scan.Delta.Lowest) * _scan.Delta.InverseScale);
        _statistics.Observe(inputs, rates, (_, states) => AddStates(states));
    }

    /// <summary>What was counted, site by site.</summary>
    public IEnumerable<SiteDistribution> Distributions()
    {
        yield return Of(_u, "u", _scan.U);
        yield return _delta.Distribution(
            $"{_node.Name}.delta{(_scan.Delta.IsBeforeSoftplus ? ", before the softplus" : "")}",
            place => _scan.Delta.Lowest + (place * _scan.Delta.Scale));
        yield return OfDecay();
        yield return Of(_b, "b", _scan.B);
        yield return Of(_c, "c", _scan.C);
        HiddenStateQuantizer hidden = _scan.HiddenState;
        bool hasOneScale = hidden.GroupScales.Count == 1 && hidden.ChannelScales.Count == 1;
        double scale = hidden.GroupScales[0] * hidden.ChannelScales[0];
        yield return _hiddenState.Distribution(
            $"{_node.Name}.hiddenState", hasOneScale ? place => place * scale : null);

        SiteDistribution Of(LevelCounts counts, string site, UniformQuantizer quantizer) => counts.Distribution(
            $"{_node.Name}.{site}",
            quantizer.Scales.Length > 1
                ? null
                : place => (place - quantizer.ZeroPoints[0]) * quantizer.Scales[0]);
    }

    /// <summary>The levels of Ā lie unevenly between 0 and 1.</summary>
    private SiteDistribution OfDecay()
    {
        ReadOnlySpan<long> counts = _statistics.DecayHistogram;
        double[] shares = new double[SiteDistribution.Bins];
        double total = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            shares[i * shares.Length / counts.Length] += counts[i];
            total += counts[i];
        }
        return new SiteDistribution(
            $"{_node.Name}.decay", 0, 1, Array.ConvertAll(shares, count => count / Math.Max(1, total)))
        {
            Levels = [.. _scan.DecayTable.Select(value => value / (double)(1 << 15)).Distinct().Order()],
        };
    }

    /// <summary>Adds values <c>[batch, tokens, columns]</c>.</summary>
    private static void Add(LevelCounts counts, FloatTensor values, UniformQuantizer quantizer)
    {
        int tokens = values.Shape[1], columns = values.Shape[2];
        for (int i = 0; i < values.Length; i++)
        {
            int group = quantizer.GroupOf(i / columns % tokens, i % columns);
            counts.Add((values.Span[i] * quantizer.InverseScales[group]) + quantizer.ZeroPoints[group]);
        }
    }

    /// <summary>Adds the states of an image, <c>[1, tokens, states·channels]</c>.</summary>
    private void AddStates(FloatTensor states)
    {
        int columns = states.Shape[2], channels = _node.Shape[1];
        var inverse = new double[channels];
        for (int token = 0; token < states.Shape[1]; token++)
        {
            float group = _scan.HiddenState.GroupScales[_scan.HiddenState.GroupOf(token)];
            for (int channel = 0; channel < channels; channel++)
                inverse[channel] = 1.0 / (group * _scan.HiddenState.ChannelScale(channel));
            ReadOnlySpan<float> row = states.Span.Slice(token * columns, columns);
            for (int i = 0; i < columns; i++)
                _hiddenState.Add(row[i] * inverse[i % channels]);
        }
    }
}
