using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Grids;
using Bitis.Quantization.Estimators;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;
using Bitis.Tensors;

namespace Bitis.Quantization;

/// <summary>Fits the scales of a quantized model to images of another size than those of its calibration.</summary>
/// <remarks>
/// A scale for each token belongs to a place of the grid. For another grid, the ranges that scales stand for are
/// interpolated between places, as maps are resized. Groups of tokens that share a scale along a scan keep their share
/// of it. Scales of whole tensors and of channels stay.
/// </remarks>
internal sealed class GridScales
{
    private readonly Graph _from, _to;
    private readonly Dictionary<Node, TokenPlaces?> _fromPlaces, _toPlaces;

    private GridScales(Graph from, Graph to)
    {
        (_from, _to) = (from, to);
        (_fromPlaces, _toPlaces) = (PlacesOf(from), PlacesOf(to));
    }

    /// <summary>The layers and scans of a model for another size of images.</summary>
    /// <param name="model">The model.</param>
    /// <param name="graph">Its graph for the size; the same nodes as <see cref="QuantizedModel.Graph"/>.</param>
    /// <exception cref="BitisException">
    /// A layer or scan has a scale for each token, and its tokens are not places of a grid.
    /// </exception>
    public static (IReadOnlyDictionary<string, QuantizedLayer> Layers, IReadOnlyDictionary<string, QuantizedScan> Scans)
        Fit(QuantizedModel model, Graph graph)
    {
        if (graph.Input.Shape == model.Graph.Input.Shape)
            return (model.Layers, model.Scans);
        var scales = new GridScales(model.Graph, graph);
        return (
            model.Layers.ToDictionary(pair => pair.Key, pair => scales.Fit(pair.Key, pair.Value)),
            model.Scans.ToDictionary(pair => pair.Key, pair => scales.Fit(pair.Key, pair.Value)));
    }

    private static Dictionary<Node, TokenPlaces?> PlacesOf(Graph graph)
    {
        var places = new Dictionary<Node, TokenPlaces?>();
        foreach (Node node in graph.Nodes)
        {
            (Shape, TokenPlaces?)[] inputs = [.. node.Inputs.Select(input => (input.Shape, places[input]))];
            places.Add(node, node.Operator.PlaceTokens(inputs, node.Shape));
        }
        return places;
    }

    private QuantizedLayer Fit(string name, QuantizedLayer layer)
    {
        if (layer.Input is not { Granularity: Granularity.PerToken } input)
            return layer;
        ValueRange[] ranges = new ValueRange[input.Scales.Length];
        for (int t = 0; t < ranges.Length; t++)
            ranges[t] = new ValueRange(input.Dequantize(input.MinLevel, t), input.Dequantize(input.MaxLevel, t));
        float[] lows = Resize(name, input: 0, [.. ranges.Select(range => range.Low)]),
            highs = Resize(name, input: 0, [.. ranges.Select(range => range.High)]);
        UniformQuantizer fitted = UniformQuantizer.ForRanges(
            input.Bits, Granularity.PerToken, [.. lows.Zip(highs, (low, high) => new ValueRange(low, high))]);
        return new QuantizedLayer(layer.Levels, layer.Weight, fitted, layer.InputFactors, layer.RotationOrder);
    }

    private QuantizedScan Fit(string name, QuantizedScan scan) => new(
        scan.U, scan.Delta, Signed(name, input: 2, scan.B), Signed(name, input: 3, scan.C), scan.Decay,
        Fit(scan.HiddenState, _to[name].Shape[0]), scan.RateCodes);

    private UniformQuantizer Signed(string name, int input, UniformQuantizer quantizer) =>
        quantizer.Granularity == Granularity.PerToken
            ? UniformQuantizer.Symmetric(
                quantizer.Bits, Granularity.PerToken, Resize(name, input, [.. quantizer.Scales]))
            : quantizer;

    /// <summary>The groups of a scan, each with the share of the tokens that it had.</summary>
    /// <remarks>Groups that would share a first token become one, with the scale of the last of them.</remarks>
    private static HiddenStateQuantizer Fit(HiddenStateQuantizer quantizer, int tokens)
    {
        // Kernels take four tokens of a group at a time, so groups keep beginning at multiples of four.
        int multiple = quantizer.GroupStarts.All(start => start % 4 == 0) ? 4 : 1;
        var scales = new SortedDictionary<int, float>();
        for (int group = 0; group < quantizer.GroupStarts.Count; group++)
        {
            double start = (double)quantizer.GroupStarts[group] * tokens / quantizer.Tokens;
            int first = (int)Math.Round(start / multiple) * multiple;
            scales[first < tokens ? first : scales.Keys.Last()] = quantizer.GroupScales[group];
        }
        return new HiddenStateQuantizer(
            quantizer.Bits, tokens, [.. scales.Keys], [.. scales.Values], [.. quantizer.ChannelScales],
            quantizer.IsDithered);
    }

    /// <summary>Interpolates a number of each token of a node's input to the other grid.</summary>
    private float[] Resize(string name, int input, float[] values)
    {
        if (_fromPlaces[_from[name].Inputs[input]] is not { } from || _toPlaces[_to[name].Inputs[input]] is not { } to)
        {
            throw new BitisException(
                $"'{name}' has a scale for each of {values.Length} tokens that are not the places of a grid, so images "
                + $"of {_to.Input.Shape[1]}×{_to.Input.Shape[2]} pixels do not fit it. Use square windows of "
                + $"{_from.Input.Shape[1]} pixels, or quantize with --granularity tensor.");
        }
        var grid = new float[values.Length];
        for (int t = 0; t < values.Length; t++)
            grid[from.Places[t]] = values[t];
        var resized = new float[to.Height * to.Width];
        for (int place = 0; place < resized.Length; place++)
        {
            (int top, int bottom, double low) = GridResize.Source(place / to.Width, from.Height, to.Height);
            (int left, int right, double far) = GridResize.Source(place % to.Width, from.Width, to.Width);
            double upper = Between(top, left, right, far), lower = Between(bottom, left, right, far);
            resized[place] = (float)(upper + (low * (lower - upper)));
        }
        return [.. to.Places.Select(place => resized[place])];

        double Between(int row, int left, int right, double share)
        {
            double start = grid[(row * from.Width) + left];
            return start + (share * (grid[(row * from.Width) + right] - start));
        }
    }
}
