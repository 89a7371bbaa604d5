using System.Numerics.Tensors;
using Bitis.Tensors;

namespace Bitis.Analysis.Sensitivity;

/// <summary>A signal-to-noise ratio over several values.</summary>
internal struct Decibels
{
    private double _signal, _noise;

    /// <summary>The ratio, in decibels; null without noise.</summary>
    public readonly double? Ratio => _noise > 0 ? 10 * Math.Log10(_signal / _noise) : null;

    /// <summary>Adds a value beside the exact one.</summary>
    public void Add(FloatTensor value, FloatTensor exact)
    {
        double distance = TensorPrimitives.Distance<float>(value.Span, exact.Span);
        Add(TensorPrimitives.SumOfSquares<float>(exact.Span), distance * distance);
    }

    /// <summary>Adds sums of squares.</summary>
    public void Add(double signal, double noise) => (_signal, _noise) = (_signal + signal, _noise + noise);
}
