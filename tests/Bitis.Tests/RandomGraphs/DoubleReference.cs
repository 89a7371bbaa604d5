using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Grids;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;

namespace Bitis.Tests.RandomGraphs;

/// <summary>
/// The operators in float64, for one image: what gradients are measured with by differences, and what tells rounding
/// from faults. Written from the formulas in the operators' summaries, apart from their own forwards.
/// </summary>
internal sealed class DoubleReference
{
    private readonly Graph _graph;
    private readonly Dictionary<string, double[]> _weights;
    private readonly Dictionary<Node, double[]> _values = [];

    /// <summary>Prepares a model.</summary>
    public DoubleReference(Graph graph, IReadOnlyDictionary<string, FloatTensor> weights)
    {
        _graph = graph;
        _weights = weights.ToDictionary(
            pair => pair.Key, pair => Array.ConvertAll(pair.Value.Span.ToArray(), value => (double)value));
    }

    /// <summary>The parameters; they may be changed between runs.</summary>
    public IReadOnlyDictionary<string, double[]> Weights => _weights;

    /// <summary>The graph's output for an image.</summary>
    public double[] Run(ReadOnlySpan<float> image)
    {
        _values.Clear();
        _values[_graph.Input] = Array.ConvertAll(image.ToArray(), value => (double)value);
        foreach (Node node in _graph.Nodes.Skip(1))
            _values[node] = Evaluate(node);
        return _values[_graph.Output];
    }

    /// <summary>The output of each image of a batch, one after the other.</summary>
    public double[] RunBatch(FloatTensor images)
    {
        int size = images.Length / images.Shape[0];
        return [.. Enumerable.Range(0, images.Shape[0]).SelectMany(i => Run(images.Span.Slice(i * size, size)))];
    }

    /// <summary>The mean cross-entropy of a batch with one class for each image.</summary>
    public double Loss(FloatTensor images, FloatTensor targets)
    {
        int size = images.Length / images.Shape[0], classes = targets.Shape[1];
        double sum = 0;
        for (int i = 0; i < images.Shape[0]; i++)
        {
            double[] logits = Run(images.Span.Slice(i * size, size));
            double max = logits.Max(), total = max + Math.Log(logits.Sum(logit => Math.Exp(logit - max)));
            for (int c = 0; c < classes; c++)
                sum += targets.Span[(i * classes) + c] * (total - logits[c]);
        }
        return sum / images.Shape[0];
    }

    private double[] Evaluate(Node node)
    {
        double[] x = _values[node.Inputs[0]];
        Shape shape = node.Inputs[0].Shape;
        int channels = shape[^1];
        double[] p = node.ParameterNames.Count > 0
            ? _weights[node.ParameterNames[0]]
            : [], q = node.ParameterNames.Count > 1 ? _weights[node.ParameterNames[1]] : [];
        switch (node.Operator)
        {
            case Linear op:
                return Rows(x, channels, op.OutFeatures, (row, y) =>
                {
                    for (int o = 0; o < y.Length; o++)
                    {
                        y[o] = op.HasBias ? q[o] : 0;
                        for (int i = 0; i < row.Length; i++)
                            y[o] += row[i] * p[(o * row.Length) + i];
                    }
                });
            case Silu:
                return Array.ConvertAll(x, v => v / (1 + Math.Exp(-v)));
            case Sigmoid:
                return Array.ConvertAll(x, v => 1 / (1 + Math.Exp(-v)));
            case Relu:
                return Array.ConvertAll(x, v => Math.Max(v, 0));
            case Gelu:
                return Array.ConvertAll(x, v => v * NormalCdf(v));
            case Softplus:
                return Array.ConvertAll(x, v => v > Softplus.Threshold ? v : double.LogP1(Math.Exp(v)));
            case Scale op:
                return Array.ConvertAll(x, v => v * op.Factor);
            case Add:
                return [.. x.Zip(_values[node.Inputs[1]], (a, b) => a + b)];
            case Multiply:
                return [.. x.Zip(_values[node.Inputs[1]], (a, b) => a * b)];
            case AddEmbedding:
                return [.. x.Zip(p, (a, b) => a + b)];
            case RmsNorm op:
                return Rows(x, channels, channels, (row, y) =>
                {
                    double scale = 1 / Math.Sqrt((row.Sum(v => v * v) / row.Length) + op.Epsilon);
                    for (int c = 0; c < y.Length; c++)
                        y[c] = row[c] * scale * p[c];
                });
            case LayerNorm op:
                return Rows(x, channels, channels, (row, y) => Normalize(row, y, p, q, op.Epsilon));
            case MeanOfNorms op:
                return
                [
                    .. node.Inputs.SelectMany(
                        input => MeanRows(
                            Rows(_values[input], channels, channels, (row, y) => Normalize(row, y, p, q, op.Epsilon)),
                            channels)),
                ];
            case GroupNorm op:
                return NormalizeGroups(op, x, p, q);
            case MeanTokens:
                return MeanRows(x, channels);
            case SelectToken op:
                return x[(op.Position * channels)..((op.Position + 1) * channels)];
            case InsertToken op:
                return [.. x[..(op.Position * channels)], .. p, .. x[(op.Position * channels)..]];
            case SliceChannels op:
                return Rows(x, channels, op.Length, (row, y) => Array.Copy(row, op.Start, y, 0, op.Length));
            case ReverseTokens:
                return Take(x, channels, [.. Enumerable.Range(0, shape[0]).Select(t => (int?)(shape[0] - 1 - t))]);
            case ArrangeTokens op:
                return Take(x, channels, [.. op.Sources.Select(source => source < 0 ? (int?)null : source)]);
            case MergePatches op:
                return Take(
                    x, channels, [.. Enumerable.Range(0, node.Shape[0] * 4).Select(i => op.Source(i / 4, i % 4))]);
            case FlattenSpatial:
                int pixels = shape[1] * shape[2];
                return [.. Enumerable.Range(0, x.Length).Select(i => x[(i % shape[0] * pixels) + (i / shape[0])])];
            case GatedSum:
                return [.. Enumerable.Range(0, node.Inputs[1].Shape.Sizes[0] * channels).Select(i =>
                    Enumerable.Range(1, node.Inputs.Count - 1)
                        .Sum(k => x[((k - 1) * channels) + (i % channels)] * _values[node.Inputs[k]][i]))];
            case CausalConv1d op:
                return Tokens(node, (t, c) => q[c] + Enumerable.Range(0, op.KernelSize).Sum(
                    k => t - op.KernelSize + 1 + k is >= 0 and var source
                        ? p[(c * op.KernelSize) + k] * x[(source * channels) + c]
                        : 0));
            case DepthwiseConv2d op:
                int taps = op.KernelSize * op.KernelSize;
                return Tokens(node, (t, c) => (op.HasBias ? q[c] : 0) + Enumerable.Range(0, taps).Sum(
                    k => op.Source(t, k) is { } source ? p[(c * taps) + k] * x[(source * channels) + c] : 0));
            case GridConv2d op:
                int places = op.KernelSize * op.KernelSize;
                return Tokens(node, (t, o) => (op.HasBias ? q[o] : 0) + Enumerable.Range(0, places).Sum(
                    k => op.Source(t, k) is { } source
                        ? Enumerable.Range(0, channels).Sum(
                            c => p[(((o * channels) + c) * places) + k] * x[(source * channels) + c])
                        : 0));
            case BatchNorm op:
                double[] mean = _weights[node.ParameterNames[2]], variance = _weights[node.ParameterNames[3]];
                return Rows(x, channels, channels, (row, y) =>
                {
                    for (int c = 0; c < y.Length; c++)
                        y[c] = ((row[c] - mean[c]) / Math.Sqrt(variance[c] + op.Epsilon) * p[c]) + q[c];
                });
            case ConcatChannels:
                return
                [
                    .. Enumerable.Range(0, x.Length / channels).SelectMany(row => node.Inputs.SelectMany(input =>
                        _values[input].AsSpan(row * input.Shape[^1], input.Shape[^1]).ToArray())),
                ];
            case GridPool op:
                return Tokens(node, (bin, c) =>
                {
                    (int top, int bottom) = op.Range(bin / op.Bins, op.Height);
                    (int left, int right) = op.Range(bin % op.Bins, op.Width);
                    return Enumerable.Range(top, bottom - top).SelectMany(row => Enumerable.Range(left, right - left)
                        .Select(column => x[(((row * op.Width) + column) * channels) + c])).Average();
                });
            case GridResize op:
                return Tokens(node, (place, c) => Interpolate(op, x, channels, place, c));
            case Conv2d op:
                return Convolve(op, node, x, p, op.HasBias ? q : new double[op.OutChannels]);
            case RotaryPositions op:
                return Rotate(op, x);
            case Attention op:
                return Attend(op, x, shape[0]);
            case SelectiveScan op:
                return Scan(op, x, _values[node.Inputs[1]], _values[node.Inputs[2]], _values[node.Inputs[3]], p, q);
            default:
                throw new NotSupportedException(
                    $"'{node.Name}' ({node.Operator.Kind}) has no form in float64 yet: write one here.");
        }
    }

    /// <summary>All tokens of the input, each with the part of its square that the place sees.</summary>
    private static double Interpolate(GridResize op, double[] x, int channels, int place, int channel)
    {
        double sum = 0;
        for (int token = 0; token < op.Height * op.Width; token++)
        {
            sum += Share(place / op.OutWidth, token / op.Width, op.Height, op.OutHeight)
                * Share(place % op.OutWidth, token % op.Width, op.Width, op.OutWidth) * x[(token * channels) + channel];
        }
        return sum;

        static double Share(int index, int source, int size, int outSize)
        {
            double place = Math.Clamp(((index + 0.5) * size / outSize) - 0.5, 0, size - 1);
            return Math.Max(0, 1 - Math.Abs(place - source));
        }
    }

    private static double[] Rows(double[] x, int columns, int outColumns, Action<double[], double[]> compute)
    {
        double[] result = new double[x.Length / columns * outColumns], y = new double[outColumns];
        for (int row = 0; row < x.Length / columns; row++)
        {
            compute(x[(row * columns)..((row + 1) * columns)], y);
            y.CopyTo(result, row * outColumns);
        }
        return result;
    }

    private static double[] Tokens(Node node, Func<int, int, double> compute) =>
        [
            .. Enumerable.Range(0, (int)node.Shape.ElementCount).Select(
                i => compute(i / node.Shape[^1], i % node.Shape[^1])),
        ];

    private static double[] Take(double[] x, int channels, int?[] sources)
    {
        var result = new double[sources.Length * channels];
        for (int t = 0; t < sources.Length; t++)
        {
            if (sources[t] is { } source)
                Array.Copy(x, source * channels, result, t * channels, channels);
        }
        return result;
    }

    private static double[] MeanRows(double[] x, int channels) =>
        [
            .. Enumerable.Range(0, channels).Select(
                c => Enumerable.Range(0, x.Length / channels).Average(t => x[(t * channels) + c])),
        ];

    private static void Normalize(double[] row, double[] y, double[] weight, double[] bias, double epsilon)
    {
        double mean = row.Average(), scale = 1 / Math.Sqrt(row.Average(v => (v - mean) * (v - mean)) + epsilon);
        for (int c = 0; c < y.Length; c++)
            y[c] = ((row[c] - mean) * scale * weight[c]) + bias[c];
    }

    private static double[] NormalizeGroups(GroupNorm op, double[] x, double[] weight, double[] bias)
    {
        int width = op.Channels / op.Groups;
        (double Mean, double Scale)[] statistics = [.. Enumerable.Range(0, op.Groups).Select(group =>
        {
            double[] values = [.. x.Where((_, i) => i % op.Channels / width == group)];
            double mean = values.Average();
            return (mean, 1 / Math.Sqrt(values.Average(v => (v - mean) * (v - mean)) + op.Epsilon));
        })];
        return [.. x.Select((v, i) => Normalized(v, statistics[i % op.Channels / width], i % op.Channels))];

        double Normalized(double value, (double Mean, double Scale) of, int channel) =>
            ((value - of.Mean) * of.Scale * weight[channel]) + bias[channel];
    }

    private static double[] Convolve(Conv2d op, Node node, double[] x, double[] weight, double[] bias)
    {
        int height = node.Inputs[0].Shape[1], width = node.Inputs[0].Shape[2], outWidth = node.Shape[2],
            pixels = node.Shape[1] * outWidth;
        return [.. Enumerable.Range(0, (int)node.Shape.ElementCount).Select(i =>
        {
            int o = i / pixels, row = (i % pixels / outWidth * op.Stride) - op.Padding,
                column = (i % outWidth * op.Stride) - op.Padding;
            double sum = bias[o];
            for (int k = 0; k < op.InChannels * op.KernelSize * op.KernelSize; k++)
            {
                int c = k / (op.KernelSize * op.KernelSize), r = row + (k / op.KernelSize % op.KernelSize), s = column
                    + (k % op.KernelSize);
                if (r >= 0 && r < height && s >= 0
                    && s < width) { sum += weight[(o * op.InChannels * op.KernelSize * op.KernelSize) + k] * x[
                        (((c * height) + r) * width) + s]; } }
            return sum;
        })];
    }

    private static double[] Rotate(RotaryPositions op, double[] x)
    {
        var y = new double[x.Length];
        int half = op.Channels / 2;
        for (int i = 0; i < x.Length; i += 2)
        {
            int token = i / op.Channels, channel = i % op.Channels;
            double position = (double)(channel < half ? token / op.Grid : token % op.Grid) * op.BaseGrid / op.Grid;
            double angle = position * Math.Pow(10000, -2.0 * (channel % half / 2) / half);
            y[i] = (x[i] * Math.Cos(angle)) - (x[i + 1] * Math.Sin(angle));
            y[i + 1] = (x[i + 1] * Math.Cos(angle)) + (x[i] * Math.Sin(angle));
        }
        return y;
    }

    private static double[] Attend(Attention op, double[] x, int tokens)
    {
        var y = new double[tokens * op.Width];
        for (int head = 0; head < op.Heads; head++)
        {
            for (int i = 0; i < tokens; i++)
            {
                double[] weights =
                [
                    .. Enumerable.Range(0, tokens).Select(
                        j => Enumerable.Range(0, op.HeadWidth)
                            .Sum(c => Part(i, 0, c) * Part(j, 1, c)) / Math.Sqrt(op.HeadWidth)),
                ];
                double max = weights.Max();
                weights = Array.ConvertAll(weights, weight => Math.Exp(weight - max));
                double sum = weights.Sum();
                for (int c = 0; c < op.HeadWidth; c++)
                {
                    y[(i * op.Width) + (head * op.HeadWidth) + c] = Enumerable.Range(0, tokens)
                        .Sum(j => weights[j] / sum * Part(j, 2, c));
                }
            }

            double Part(int token, int part, int c) => x[(((token * 3) + part) * op.Width) + (head * op.HeadWidth) + c];
        }
        return y;
    }

    private static double[] Scan(
        SelectiveScan op, double[] u, double[] delta, double[] b, double[] c, double[] aLog, double[] d)
    {
        var y = new double[u.Length];
        for (int channel = 0; channel < op.Channels; channel++)
        {
            var h = new double[op.States];
            for (int t = 0; t < u.Length / op.Channels; t++)
            {
                int i = (t * op.Channels) + channel;
                y[i] = d[channel] * u[i];
                for (int n = 0; n < op.States; n++)
                {
                    h[n] = (Math.Exp(-Math.Exp(aLog[(channel * op.States) + n]) * delta[i]) * h[n])
                        + (delta[i] * b[(t * op.States) + n] * u[i]);
                    y[i] += c[(t * op.States) + n] * h[n];
                }
            }
        }
        return y;
    }

    /// <summary>The normal distribution's share below x, by Simpson's rule; no closed form is at hand.</summary>
    private static double NormalCdf(double x)
    {
        if (Math.Abs(x) > 9)
            return x > 0 ? 1 : 0;
        const int Parts = 400;
        double step = x / Parts, sum = 1 + Math.Exp(-x * x / 2);
        for (int i = 1; i < Parts; i++)
            sum += (i % 2 == 0 ? 2 : 4) * Math.Exp(-(i * step) * (i * step) / 2);
        return 0.5 + (sum * step / 3 / Math.Sqrt(2 * Math.PI));
    }
}
