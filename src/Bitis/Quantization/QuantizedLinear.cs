using Bitis.Operators;
using Bitis.Tensors;

namespace Bitis.Quantization;

/// <summary>A linear layer whose weights, input, or both are integers.</summary>
public sealed class QuantizedLinear
{
    /// <summary>Puts a layer together.</summary>
    /// <param name="levels">The weights' levels, <c>[out, in]</c>; null where the weights are float32.</param>
    /// <param name="weight">The weights' quantizer, per output channel; null where they are float32.</param>
    /// <param name="input">The input's quantizer; null where it is float32.</param>
    /// <param name="inputFactors">What the input's channels are multiplied by before they are quantized; null for nothing.</param>
    /// <exception cref="ArgumentException">The parts do not belong together, or a factor is not a positive, finite number.</exception>
    public QuantizedLinear(sbyte[]? levels, UniformQuantizer? weight, UniformQuantizer? input, float[]? inputFactors = null)
    {
        if (levels is null != weight is null)
            throw new ArgumentException("Levels and the quantizer that made them belong together.", nameof(levels));
        if (inputFactors is not null && (levels is null || input is null))
            throw new ArgumentException("Only a layer with levels on both sides has input factors.", nameof(inputFactors));
        if (inputFactors is not null && inputFactors.Any(factor => !(float.IsFinite(factor) && factor > 0)))
            throw new ArgumentException("Input factors must be positive, finite numbers.", nameof(inputFactors));
        Levels = levels;
        Weight = weight;
        Input = input;
        InputFactors = inputFactors;
    }

    /// <summary>The weights' levels, <c>[out, in]</c>.</summary>
    public sbyte[]? Levels { get; }

    /// <summary>The weights' quantizer: one scale for each output channel.</summary>
    public UniformQuantizer? Weight { get; }

    /// <summary>The input's quantizer: one scale, or one for each token.</summary>
    public UniformQuantizer? Input { get; }

    /// <summary>
    /// What the input's channels are multiplied by before they are quantized, <c>[in]</c>: 1/m of a smoothing m whose other half,
    /// the product with m, is in the weights' levels. Null where there is none, or where it is part of the layer before.
    /// </summary>
    public float[]? InputFactors { get; }

    /// <summary>Whether the layer can be computed with integers: both operands have levels.</summary>
    public bool IsInteger => Weight is not null && Input is not null;

    /// <summary>Quantizes a layer.</summary>
    /// <param name="linear">The layer.</param>
    /// <param name="weight">Its weights, <c>[out, in]</c>.</param>
    /// <param name="bits">Bits of weights and input.</param>
    /// <param name="granularity">Which values of the input share a scale.</param>
    /// <param name="statistics">What calibration saw at the input; null if the input stays float32.</param>
    /// <param name="estimator">What decides the ranges.</param>
    /// <param name="threads">How many threads search for them; 0 for one on each processor.</param>
    internal static QuantizedLinear Create(
        Linear linear,
        Tensor weight,
        BitWidths bits,
        Granularity granularity,
        SiteStatistics? statistics,
        IRangeEstimator estimator,
        int threads)
    {
        UniformQuantizer? input = statistics is null
            ? null
            : UniformQuantizer.ForRanges(
                bits.Activations, granularity, Ranges(statistics, bits.Activations, estimator, threads));
        if (bits.Weights == BitWidths.Float)
            return new QuantizedLinear(null, null, input);

        var scales = new float[linear.OutFeatures];
        for (int o = 0; o < scales.Length; o++)
        {
            float magnitude = estimator.WeightMagnitude(weight.Span.Slice(o * linear.InFeatures, linear.InFeatures), bits.Weights);
            scales[o] = UniformQuantizer.SymmetricScale(bits.Weights, magnitude);
        }
        UniformQuantizer quantizer = UniformQuantizer.Symmetric(bits.Weights, Granularity.PerChannel, scales);
        var levels = new sbyte[weight.Length];
        for (int i = 0; i < levels.Length; i++)
            levels[i] = (sbyte)quantizer.Quantize(weight.Span[i], i / linear.InFeatures);
        return new QuantizedLinear(levels, quantizer, input);
    }

    /// <summary>The weights that the levels stand for, input factors included, <c>[out, in]</c>.</summary>
    /// <exception cref="InvalidOperationException">The weights are float32.</exception>
    public Tensor DequantizeWeight(Linear linear)
    {
        if (Levels is null || Weight is null)
            throw new InvalidOperationException("The weights of this layer are float32.");
        Tensor weight = Tensor.Uninitialized([linear.OutFeatures, linear.InFeatures]);
        for (int i = 0; i < Levels.Length; i++)
        {
            (int o, int j) = Math.DivRem(i, linear.InFeatures);
            float value = Weight.Dequantize(Levels[i], o);
            weight.Span[i] = InputFactors is null ? value : value * InputFactors[j];
        }
        return weight;
    }

    private static ValueRange[] Ranges(SiteStatistics statistics, int bits, IRangeEstimator estimator, int threads)
    {
        var ranges = new ValueRange[statistics.Groups];
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = threads == 0 ? Environment.ProcessorCount : threads };
        Parallel.For(0, ranges.Length, parallel, group => ranges[group] = estimator.ActivationRange(statistics, group, bits));
        return ranges;
    }
}
