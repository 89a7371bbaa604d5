using System.Runtime.ExceptionServices;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Dispatch;
using Bitis.Quantization.Calibration;
using Bitis.Quantization.Estimators;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;

namespace Bitis.Quantization;

/// <summary>A linear or convolutional layer whose weights, input, or both are integers.</summary>
/// <remarks>
/// The weights count as a matrix <c>[out, in]</c>: of a convolution, "in" are the numbers that an output channel has,
/// in the order of the checkpoint.
/// </remarks>
internal sealed class QuantizedLayer
{
    /// <summary>Puts a layer together.</summary>
    /// <param name="levels">The weights' levels, <c>[out, in]</c>; null where the weights are float32.</param>
    /// <param name="weight">The weights' quantizer, per output channel; null where they are float32.</param>
    /// <param name="input">The input's quantizer; null where it is float32.</param>
    /// <param name="inputFactors">
    /// Of a linear layer: what the input's channels are multiplied by before they are quantized; null for nothing.
    /// </param>
    /// <param name="rotation">
    /// Of a linear layer: how many neighbouring channels of the input a Hadamard transform mixes before they are
    /// quantized; the weights' levels are those of weights that are transformed likewise. A power of two; 1 for none.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The parts do not belong together, a factor is not a positive, finite number, or the rotation is not a power of
    /// two.
    /// </exception>
    public QuantizedLayer(
        sbyte[]? levels, UniformQuantizer? weight, UniformQuantizer? input, float[]? inputFactors = null,
        int rotation = 1)
    {
        if (!int.IsPow2(rotation) || (rotation > 1 && (levels is null || input is null || inputFactors is not null)))
        {
            throw new ArgumentException(
                "A rotation is a power of two, for a layer with levels on both sides and no input factors.",
                nameof(rotation));
        }

        if (levels is null != weight is null)
            throw new ArgumentException("Levels and the quantizer that made them belong together.", nameof(levels));
        if (inputFactors is not null && (levels is null || input is null))
        {
            throw new ArgumentException(
                "Only a layer with levels on both sides has input factors.", nameof(inputFactors));
        }

        if (inputFactors is not null && inputFactors.Any(factor => !(float.IsFinite(factor) && factor > 0)))
            throw new ArgumentException("Input factors must be positive, finite numbers.", nameof(inputFactors));
        Levels = levels;
        Weight = weight;
        Input = input;
        InputFactors = inputFactors;
        RotationOrder = rotation;
    }

    /// <summary>The weights' levels, <c>[out, in]</c>.</summary>
    public sbyte[]? Levels { get; }

    /// <summary>The weights' quantizer: one scale for each output channel.</summary>
    public UniformQuantizer? Weight { get; }

    /// <summary>
    /// The input's quantizer: one scale, one for each token, or, of a convolution of each channel by itself, one for
    /// each channel.
    /// </summary>
    public UniformQuantizer? Input { get; }

    /// <summary>
    /// What the input's channels are multiplied by before they are quantized, <c>[in]</c>: 1/m of a smoothing m whose
    /// other half, the product with m, is in the weights' levels. Null where there is none, or where it is part of the
    /// layer before.
    /// </summary>
    public float[]? InputFactors { get; }

    /// <summary>
    /// How many neighbouring channels of the input pass through an orthonormal Walsh-Hadamard transform before they are
    /// quantized, as the weights did; 1 for none.
    /// </summary>
    public int RotationOrder { get; }

    /// <summary>Whether the layer can be computed with integers: both operands have levels.</summary>
    public bool IsInteger => Weight is not null && Input is not null;

    /// <summary>Whether an operator is a layer that can be quantized.</summary>
    internal static bool Covers(Operator op) => op.FinestScales != InputScales.None;

    /// <summary>How many scales a layer's input has.</summary>
    /// <param name="granularity">Which values share one.</param>
    /// <param name="node">The layer's node.</param>
    internal static int InputGroups(Granularity granularity, Node node)
    {
        Shape input = node.Inputs[0].Shape;
        return granularity switch
        {
            Granularity.PerToken => (int)(input.ElementCount / input[^1]), // all dimensions but the innermost
            Granularity.PerChannel => input[^1],
            _ => 1,
        };
    }

    /// <summary>Quantizes a layer.</summary>
    /// <param name="weight">Its weights, with the output channels in front.</param>
    /// <param name="bits">Bits of weights and input.</param>
    /// <param name="granularity">Which values of the input share a scale.</param>
    /// <param name="statistics">What calibration saw at the input; null if the input stays float32.</param>
    /// <param name="estimator">What decides the ranges.</param>
    /// <param name="threads">How many threads search for them; 0 for one on each processor.</param>
    /// <param name="rotation">
    /// Of which transform of the input the statistics are; 1 for none. With bits of one side only it is left out.
    /// </param>
    internal static QuantizedLayer Create(
        FloatTensor weight, BitWidths bits, Granularity granularity, SiteStatistics? statistics,
        IRangeEstimator estimator, int threads, int rotation = 1)
    {
        UniformQuantizer? input = statistics is null
            ? null
            : UniformQuantizer.ForRanges(
                bits.Activations, granularity, Ranges(statistics, bits.Activations, estimator, threads));
        if (bits.Weights == BitWidths.Float)
            return new QuantizedLayer(null, null, input);

        if (rotation > 1)
        {
            weight = weight.Clone();
            Rotation.Apply(weight.Span, rotation, weight.Span);
        }
        var scales = new float[weight.Shape[0]];
        int inputs = weight.Length / scales.Length;
        for (int o = 0; o < scales.Length; o++)
        {
            float magnitude = estimator.WeightMagnitude(weight.Span.Slice(o * inputs, inputs), bits.Weights);
            scales[o] = UniformQuantizer.SymmetricScale(bits.Weights, magnitude);
        }
        UniformQuantizer quantizer = UniformQuantizer.Symmetric(bits.Weights, Granularity.PerChannel, scales);
        var levels = new sbyte[weight.Length];
        for (int i = 0; i < levels.Length; i++)
            levels[i] = (sbyte)quantizer.Quantize(weight.Span[i], i / inputs);
        return new QuantizedLayer(levels, quantizer, input, rotation: rotation);
    }

    /// <summary>
    /// The weights that the levels stand for, in the shape that the operator's have: for an input as the layer before
    /// gives it, so with input factors, and rotated back.
    /// </summary>
    /// <exception cref="InvalidOperationException">The weights are float32.</exception>
    internal FloatTensor DequantizeWeight(Operator op)
    {
        if (Levels is null || Weight is null)
            throw new InvalidOperationException("The weights of this layer are float32.");
        FloatTensor weight = FloatTensor.Uninitialized(op.Parameters[0].Shape);
        int inputs = weight.Length / weight.Shape[0];
        for (int i = 0; i < Levels.Length; i++)
        {
            (int o, int j) = Math.DivRem(i, inputs);
            float value = Weight.Dequantize(Levels[i], o);
            weight.Span[i] = InputFactors is null ? value : value * InputFactors[j];
        }
        if (RotationOrder > 1)
            Rotation.Apply(weight.Span, RotationOrder, weight.Span);
        return weight;
    }

    private static ValueRange[] Ranges(SiteStatistics statistics, int bits, IRangeEstimator estimator, int threads)
    {
        var ranges = new ValueRange[statistics.Groups];
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = ThreadCount.Resolve(threads) };
        try
        {
            Parallel.For(
                0, ranges.Length, parallel, group =>
                    ranges[group] = estimator.ActivationRange(statistics, group, bits));
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]); // as if there were one thread
        }
        return ranges;
    }
}
