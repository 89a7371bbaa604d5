using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Quantization;
using Bitis.Tensors;

namespace Bitis.Reconstruction;

/// <summary>
/// A linear layer whose scales, zero points and smoothing can be learned (PTQ4VM, JLSS). With weights W, smoothing m and the
/// input x of token t:
/// <code>
///   q_x = clamp(round(x_j / m_j / s_t) + z_t, 0, 2ᵃ − 1)      x̂ = s_t·(q_x − z_t)
///   q_w = clamp(round(W_ij·m_j / s_i), −(2ᵇ⁻¹ − 1), 2ᵇ⁻¹ − 1)  Ŵ = s_i·q_w
///   y   = x̂·Ŵᵀ + b
/// </code>
/// </summary>
internal sealed class LearnedLinear
{
    /// <summary>The smallest scale that learning may reach.</summary>
    public const float SmallestScale = 1e-8f;

    /// <summary>Starts with scales that a search has found.</summary>
    /// <param name="node">The layer's node.</param>
    /// <param name="weight">W, <c>[out, in]</c>; not changed.</param>
    /// <param name="start">The layer with its first scales; levels on both sides.</param>
    /// <param name="smoothing">m, <c>[in]</c>; null for none.</param>
    /// <param name="bias">The bias, or null.</param>
    public LearnedLinear(Node node, Tensor weight, Tensor? bias, QuantizedLinear start, float[]? smoothing)
    {
        Node = node;
        Weight = weight;
        Bias = bias;
        Layer = (Linear)node.Operator;
        Bits = new BitWidths(start.Weight!.Bits, start.Input!.Bits);
        Granularity = start.Input.Granularity;
        HasSmoothing = smoothing is not null;
        WeightScales = start.Weight.Scales.ToArray();
        InputScales = start.Input.Scales.ToArray();
        ZeroPoints = Array.ConvertAll(start.Input.ZeroPoints.ToArray(), zero => (float)zero);
        Smoothing = smoothing ?? [.. Enumerable.Repeat(1f, Layer.InFeatures)];
        WeightScaleGradient = new float[WeightScales.Length];
        InputScaleGradient = new float[InputScales.Length];
        ZeroPointGradient = new float[ZeroPoints.Length];
        SmoothingGradient = new float[Smoothing.Length];
    }

    /// <summary>The layer's node.</summary>
    public Node Node { get; }

    /// <summary>The layer's sizes.</summary>
    public Linear Layer { get; }

    /// <summary>W, <c>[out, in]</c>.</summary>
    public Tensor Weight { get; }

    /// <summary>The bias, or null.</summary>
    public Tensor? Bias { get; }

    /// <summary>Bits of both operands.</summary>
    public BitWidths Bits { get; }

    /// <summary>Which values of the input share a scale.</summary>
    public Granularity Granularity { get; }

    /// <summary>Whether m is anything but 1.</summary>
    public bool HasSmoothing { get; }

    /// <summary>s_i, one for each output.</summary>
    public float[] WeightScales { get; }

    /// <summary>s_t, one for each token in the order in which the layer sees them, or one.</summary>
    public float[] InputScales { get; }

    /// <summary>z_t, as the scales; real numbers while they are learned.</summary>
    public float[] ZeroPoints { get; }

    /// <summary>m, one for each input channel.</summary>
    public float[] Smoothing { get; }

    /// <summary>∂L/∂s_i of the last step.</summary>
    public float[] WeightScaleGradient { get; }

    /// <summary>∂L/∂s_t of the last step.</summary>
    public float[] InputScaleGradient { get; }

    /// <summary>∂L/∂z_t of the last step.</summary>
    public float[] ZeroPointGradient { get; }

    /// <summary>∂L/∂m_j of the last step.</summary>
    public float[] SmoothingGradient { get; }

    /// <summary>The largest level of the input.</summary>
    public int MaxInputLevel => UniformQuantizer.LevelsOf(Bits.Activations, isSymmetric: false).Max;

    /// <summary>The largest level of a weight.</summary>
    public int MaxWeightLevel => UniformQuantizer.LevelsOf(Bits.Weights, isSymmetric: true).Max;

    /// <summary>A zero point as the layer uses it: a level.</summary>
    public int ZeroPoint(int group) => (int)Math.Clamp(MathF.Round(ZeroPoints[group]), 0, MaxInputLevel);

    /// <summary>1/m.</summary>
    public float[] InverseSmoothing() => Array.ConvertAll(Smoothing, m => 1 / m);

    /// <summary>q_w, <c>[out, in]</c>.</summary>
    public sbyte[] WeightLevels()
    {
        var levels = new sbyte[Weight.Length];
        ReadOnlySpan<float> weight = Weight.Span;
        float max = MaxWeightLevel;
        for (int i = 0; i < Layer.OutFeatures; i++)
        {
            float inverse = 1 / WeightScales[i];
            ReadOnlySpan<float> row = weight.Slice(i * Layer.InFeatures, Layer.InFeatures);
            Span<sbyte> target = levels.AsSpan(i * Layer.InFeatures, Layer.InFeatures);
            for (int j = 0; j < row.Length; j++)
                target[j] = (sbyte)Math.Clamp(MathF.Round(row[j] * Smoothing[j] * inverse), -max, max);
        }
        return levels;
    }

    /// <summary>The layer with what was learned.</summary>
    public QuantizedLinear ToQuantized()
    {
        int[] zeroPoints = [.. Enumerable.Range(0, ZeroPoints.Length).Select(ZeroPoint)];
        return new QuantizedLinear(
            WeightLevels(),
            UniformQuantizer.Symmetric(Bits.Weights, Granularity.PerChannel, [.. WeightScales]),
            UniformQuantizer.Asymmetric(Bits.Activations, Granularity, [.. InputScales], zeroPoints),
            HasSmoothing ? InverseSmoothing() : null);
    }

    /// <summary>All that can be learned, for keeping a state.</summary>
    public IEnumerable<float[]> Parameters => [WeightScales, InputScales, ZeroPoints, Smoothing];

    /// <summary>The gradients of <see cref="Parameters"/>.</summary>
    public IEnumerable<float[]> Gradients => [WeightScaleGradient, InputScaleGradient, ZeroPointGradient, SmoothingGradient];
}
