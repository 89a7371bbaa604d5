using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Quantization;
using Bitis.Quantization.Quantizers;
using Bitis.Tensors;

namespace Bitis.Analysis.Distributions;

/// <summary>Counts the inputs of a quantized layer between its levels, and finds their range at each token.</summary>
/// <remarks>A value's place is x/s + z, in which levels are whole numbers.</remarks>
internal sealed class InputLevels
{
    private const int SmallestMargin = 4;

    private readonly Node _node;
    private readonly QuantizedLayer _layer;
    private readonly UniformQuantizer _quantizer;
    private readonly double _low, _high, _binsPerLevel;
    private readonly long[] _counts;
    private readonly float[]? _tokenLow, _tokenHigh;
    private long _clipped;

    /// <summary>Counts nothing yet.</summary>
    /// <param name="node">The layer's node.</param>
    /// <param name="layer">The layer, with a quantizer of its input.</param>
    public InputLevels(Node node, QuantizedLayer layer)
    {
        (_node, _layer, _quantizer) = (node, layer, layer.Input!);
        int levels = _quantizer.MaxLevel - _quantizer.MinLevel + 1, margin = Math.Max(SmallestMargin, levels / 8);
        (_low, _high) = (_quantizer.MinLevel - margin, _quantizer.MaxLevel + margin);
        _binsPerLevel = levels <= 16 ? 8 : levels <= 64 ? 2 : 0.5;
        _counts = new long[(int)Math.Ceiling((_high - _low) * _binsPerLevel)];
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
                Count(values[column], _quantizer.GroupOf(token, column));
            if (_tokenLow is null)
                continue;
            _tokenLow[token] = Math.Min(_tokenLow[token], System.Numerics.Tensors.TensorPrimitives.Min(values));
            _tokenHigh![token] = Math.Max(_tokenHigh[token], System.Numerics.Tensors.TensorPrimitives.Max(values));
        }
    }

    /// <summary>What was counted. With one scale, its unit is that of the values.</summary>
    public SiteDistribution Distribution()
    {
        double total = Math.Max(1, _counts.Sum());
        bool isInLevels = _quantizer.Scales.Length > 1;
        double end = _low + (_counts.Length / _binsPerLevel);
        return new SiteDistribution(
            $"{_node.Name}.input", Value(_low), Value(end), Array.ConvertAll(_counts, count => count / total))
        {
            IsInLevels = isInLevels,
            Levels = [.. Enumerable.Range(_quantizer.MinLevel, _quantizer.MaxLevel - _quantizer.MinLevel + 1)
                .Select(level => Value(level))],
            Clipped = _clipped / total,
        };

        double Value(double place) => isInLevels ? place : (place - _quantizer.ZeroPoints[0]) * _quantizer.Scales[0];
    }

    /// <summary>The ranges of tokens; null if the input has none.</summary>
    public TokenRange? Tokens() =>
        _tokenLow is { Length: > 1 } low ? new TokenRange(_node.Name, low, _tokenHigh!) : null;

    private void Count(float value, int group)
    {
        double place = (value * _quantizer.InverseScales[group]) + _quantizer.ZeroPoints[group];
        if (place < _quantizer.MinLevel - 0.5 || place > _quantizer.MaxLevel + 0.5)
            _clipped++;
        _counts[Math.Clamp((int)((place - _low) * _binsPerLevel), 0, _counts.Length - 1)]++;
    }
}
