using Bitis.Execution.Gradients;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Kernels.Scan;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;

namespace Bitis.Reconstruction;

/// <summary>A quantized scan whose scales can be learned (QMamba's fine-tuning).</summary>
/// <remarks>
/// These are the scales of u, Δ, B and C, and of the hidden states' groups and channels. The zero point of Δ is
/// learned, too, where its levels are spread before the softplus. The levels of Ā stay as they are.
/// </remarks>
internal sealed class LearnedScan : ILearnedOperator
{
    private readonly QuantizedScan _start;
    private readonly LearnedValues _u, _deltaScale, _deltaZeroPoint, _b, _c, _groups, _channels;

    /// <summary>Starts with quantizers that a search has found.</summary>
    /// <param name="node">The scan's node.</param>
    /// <param name="start">The quantizers.</param>
    /// <param name="aLog">ln |A|, <c>[channels, states]</c>.</param>
    /// <param name="d">D, <c>[channels]</c>.</param>
    /// <param name="isLearned">Whether scales are learned; else they stay, and only gradients pass.</param>
    public LearnedScan(Node node, QuantizedScan start, FloatTensor aLog, FloatTensor d, bool isLearned)
    {
        Node = node;
        ALog = aLog;
        D = d;
        _start = start;
        _u = Scales(start.U.Scales.ToArray());
        _deltaScale = Scales(start.Delta.Scale);
        _deltaZeroPoint = new LearnedValues(LearnedKind.ZeroPoint, [-start.Delta.Lowest / start.Delta.Scale]);
        _b = Scales(start.B.Scales.ToArray());
        _c = Scales(start.C.Scales.ToArray());
        _groups = Scales([.. start.HiddenState.GroupScales]);
        _channels = Scales([.. start.HiddenState.ChannelScales]);
        if (!isLearned)
            return;
        List<LearnedValues> learned = [_u, _deltaScale, _b, _c, _groups];
        if (start.Delta.IsBeforeSoftplus)
            learned.Add(_deltaZeroPoint);
        if (_channels.Values.Length > 1)
            learned.Add(_channels);
        Learned = learned;
    }

    /// <inheritdoc />
    public Node Node { get; }

    /// <summary>The scan and the softplus of its Δ.</summary>
    public IReadOnlyList<Node> Nodes => [Node.Inputs[1], Node];

    /// <summary>ln |A|, <c>[channels, states]</c>.</summary>
    public FloatTensor ALog { get; }

    /// <summary>D, <c>[channels]</c>.</summary>
    public FloatTensor D { get; }

    /// <summary>The layout of the sums that <see cref="SetGradients"/> takes.</summary>
    public ScanSums Sums => new(D.Length, _start.HiddenState.Tokens, _groups.Values.Length);

    /// <inheritdoc />
    public IReadOnlyList<LearnedValues> Learned { get; } = [];

    /// <inheritdoc />
    public OperationGradient CreateStep(FusedOperation operation) => operation is FusedScan { Softplus: not null } fused
        ? new QuantizedScanGradient(this, fused)
        : throw new NotSupportedException(
            $"The quantized scan '{Node.Name}' needs a Δ from a softplus that only this scan reads.");

    /// <summary>The scan with the learned values.</summary>
    public QuantizedScan ToQuantized()
    {
        if (Learned.Count == 0)
            return _start;
        DeltaQuantizer delta = _start.Delta;
        HiddenStateQuantizer hidden = _start.HiddenState;
        float deltaScale = _deltaScale.Values[0];
        return new QuantizedScan(
            UniformQuantizer.Asymmetric(
                _start.U.Bits, _start.U.Granularity, [.. _u.Values], _start.U.ZeroPoints.ToArray()),
            delta.IsBeforeSoftplus
                ? DeltaQuantizer.BeforeSoftplus(delta.Bits, deltaScale, -_deltaZeroPoint.Values[0] * deltaScale)
                : DeltaQuantizer.AfterSoftplus(delta.Bits, deltaScale),
            UniformQuantizer.Symmetric(_start.B.Bits, _start.B.Granularity, [.. _b.Values]),
            UniformQuantizer.Symmetric(_start.C.Bits, _start.C.Granularity, [.. _c.Values]),
            _start.Decay,
            new HiddenStateQuantizer(
                hidden.Bits, hidden.Tokens, [.. hidden.GroupStarts], [.. _groups.Values], [.. _channels.Values],
                hidden.IsDithered),
            _start.RateCodes);
    }

    /// <summary>Sets the gradients of everything.</summary>
    /// <param name="sums">∂L/∂ each scale, as <see cref="Sums"/> lays them out.</param>
    public void SetGradients(ReadOnlySpan<float> sums)
    {
        ScanSums layout = Sums;
        Fold(sums.Slice(ScanSums.U, layout.Channels), _u.Gradient);
        Fold(sums.Slice(layout.B, layout.Tokens), _b.Gradient);
        Fold(sums.Slice(layout.C, layout.Tokens), _c.Gradient);
        _deltaScale.Gradient[0] = sums[layout.DeltaScale];
        _deltaZeroPoint.Gradient[0] = sums[layout.DeltaZeroPoint];
        Array.Clear(_groups.Gradient);
        Array.Clear(_channels.Gradient);
        for (int g = 0; g < layout.Groups; g++) // the scale of h is that of its group times that of its channel
        {
            for (int e = 0; e < layout.Channels; e++)
            {
                float gradient = sums[layout.HiddenState + (g * layout.Channels) + e];
                int channel = _channels.Values.Length == 1 ? 0 : e;
                _groups.Gradient[g] += gradient * _channels.Values[channel];
                _channels.Gradient[channel] += gradient * _groups.Values[g];
            }
        }
    }

    /// <summary>Adds the gradients of each position's scale up to those of the scales that are learned.</summary>
    /// <remarks>There is one scale for all positions, or one for each.</remarks>
    private static void Fold(ReadOnlySpan<float> each, Span<float> gradient)
    {
        gradient.Clear();
        for (int i = 0; i < each.Length; i++)
            gradient[gradient.Length == 1 ? 0 : i] += each[i];
    }

    private static LearnedValues Scales(params float[] values) => new(LearnedKind.ScanScale, values);
}
