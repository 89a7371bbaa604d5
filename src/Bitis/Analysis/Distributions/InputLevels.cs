using System.Numerics.Tensors;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Quantization;
using Bitis.Quantization.Quantizers;
using Bitis.Tensors;

namespace Bitis.Analysis.Distributions;

/// <summary>Counts the inputs of a quantized layer between its levels, and finds their range at each token.</summary>
internal sealed class InputLevels
{
    private readonly Node _node;
    private readonly QuantizedLayer _layer;
    private readonly UniformQuantizer _quantizer;
    private readonly LevelCounts _counts;
    private readonly float[]? _tokenLow, _tokenHigh;

    /// <summary>Counts nothing yet.</summary>
    /// <param name="node">The layer's node.</param>
    /// <param name="layer">The layer, with a quantizer of its input.</param>
    public InputLevels(Node node, QuantizedLayer layer)
    {
        (_node, _layer, _quantizer) = (node, layer, layer.Input!);
        _counts = new LevelCounts(_quantizer.MinLevel, _quantizer.MaxLevel);
        if (node.Operator.FinestScales != InputScales.Tokens)
            return;
        Shape shape = node.Inputs[0].Shape;
        _tokenLow = new float[shape.ElementCount / shape[^1]];
        _tokenHigh = new float[_tokenLow.Length];
        Array.Fill(_tokenLow, float.PositiveInfinity);
        Array.Fill(_tokenHigh, float.NegativeInfinity);
    }

    /// <summary>Adds the layer's input for a batch, as the layer before gives it.</summary>
    public void Add(FloatTensor input)
    {
        FloatTensor x = SimulatedEvaluator.QuantizerInput(_layer, input);
        int columns = x.Shape[^1], rows = x.Length / (x.Shape[0] * columns);
        for (int row = 0; row < x.Length / columns; row++)
        {
            ReadOnlySpan<float> values = x.Span.Slice(row * columns, columns);
            int token = row % rows;
            for (int column = 0; column < columns; column++)
            {
                int group = _quantizer.GroupOf(token, column);
                _counts.Add((values[column] * _quantizer.InverseScales[group]) + _quantizer.ZeroPoints[group]);
            }
            if (_tokenLow is null)
                continue;
            _tokenLow[token] = Math.Min(_tokenLow[token], TensorPrimitives.Min(values));
            _tokenHigh![token] = Math.Max(_tokenHigh[token], TensorPrimitives.Max(values));
        }
    }

    /// <summary>What was counted. With one scale, its unit is that of the values.</summary>
    public SiteDistribution Distribution() => _counts.Distribution(
        $"{_node.Name}.input",
        _quantizer.Scales.Length > 1 ? null : place => (place - _quantizer.ZeroPoints[0]) * _quantizer.Scales[0]);

    /// <summary>The ranges of tokens; null if the input has none.</summary>
    public TokenRange? Tokens() =>
        _tokenLow is { Length: > 1 } low ? new TokenRange(_node.Name, low, _tokenHigh!) : null;
}
