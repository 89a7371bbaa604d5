using Bitis.Execution.Gradients;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Rounding;
using Bitis.Quantization;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;

namespace Bitis.Reconstruction;

/// <summary>A linear layer whose scales, zero points and smoothing can be learned (PTQ4VM, JLSS).</summary>
/// <remarks>
/// With weights W, smoothing m and the input x of token t:
/// <code>
///   q_x = clamp(round(x_j / m_j / s_t) + z_t, 0, 2ᵃ − 1)      x̂ = s_t·(q_x − z_t)
///   q_w = clamp(round(W_ij·m_j / s_i), −(2ᵇ⁻¹ − 1), 2ᵇ⁻¹ − 1)  Ŵ = s_i·q_w
///   y   = x̂·Ŵᵀ + b
/// </code>
/// </remarks>
internal sealed class LearnedLinear : ILearnedOperator
{
    private readonly LearnedValues _weightScales, _inputScales, _zeroPoints, _smoothing;

    /// <summary>Starts with scales that a search has found.</summary>
    /// <param name="node">The layer's node.</param>
    /// <param name="weight">W, <c>[out, in]</c>; not changed.</param>
    /// <param name="start">The layer with its first scales; levels on both sides.</param>
    /// <param name="smoothing">m, <c>[in]</c>; null for none.</param>
    /// <param name="bias">The bias, or null.</param>
    /// <param name="isLearned">
    /// Whether anything is learned; else the gradient passes as if nothing were quantized.
    /// </param>
    public LearnedLinear(
        Node node, FloatTensor weight, FloatTensor? bias, QuantizedLayer start, float[]? smoothing,
        bool isLearned = true)
    {
        Node = node;
        Weight = weight;
        Bias = bias;
        Product = node.Operator.Product!;
        Bits = new BitWidths(start.Weight!.Bits, start.Input!.Bits);
        Granularity = start.Input.Granularity;
        HasSmoothing = smoothing is not null;
        _weightScales = new(LearnedKind.WeightScale, start.Weight.Scales.ToArray());
        _inputScales = new(LearnedKind.ActivationScale, start.Input.Scales.ToArray());
        _zeroPoints = new(
            LearnedKind.ZeroPoint, Array.ConvertAll(start.Input.ZeroPoints.ToArray(), zero => (float)zero));
        _smoothing = new(LearnedKind.Smoothing, smoothing ?? [.. Enumerable.Repeat(1f, Product.Inputs)]);
        if (isLearned)
        {
            Learned = HasSmoothing
                ? [_weightScales, _inputScales, _zeroPoints, _smoothing]
                : [_weightScales, _inputScales, _zeroPoints];
        }
    }

    /// <inheritdoc />
    public Node Node { get; }

    /// <inheritdoc />
    public IReadOnlyList<Node> Nodes => [Node];

    /// <inheritdoc />
    public IReadOnlyList<LearnedValues> Learned { get; } = [];

    /// <summary>Whether anything is learned.</summary>
    public bool IsLearned => Learned.Count > 0;

    /// <summary>The layer's sizes.</summary>
    public LayerProduct Product { get; }

    /// <summary>W, <c>[out, in]</c>.</summary>
    public FloatTensor Weight { get; }

    /// <summary>The bias, or null.</summary>
    public FloatTensor? Bias { get; }

    /// <summary>Bits of both operands.</summary>
    public BitWidths Bits { get; }

    /// <summary>Which values of the input share a scale.</summary>
    public Granularity Granularity { get; }

    /// <summary>Whether m is anything but 1.</summary>
    public bool HasSmoothing { get; }

    /// <summary>s_i, one for each output.</summary>
    public float[] WeightScales => _weightScales.Values;

    /// <summary>s_t, one for each token in the order in which the layer sees them, or one.</summary>
    public float[] InputScales => _inputScales.Values;

    /// <summary>z_t, as the scales; real numbers while they are learned.</summary>
    public float[] ZeroPoints => _zeroPoints.Values;

    /// <summary>m, one for each input channel.</summary>
    public float[] Smoothing => _smoothing.Values;

    /// <summary>∂L/∂s_i of the last step.</summary>
    public float[] WeightScaleGradient => _weightScales.Gradient;

    /// <summary>∂L/∂s_t of the last step.</summary>
    public float[] InputScaleGradient => _inputScales.Gradient;

    /// <summary>∂L/∂z_t of the last step.</summary>
    public float[] ZeroPointGradient => _zeroPoints.Gradient;

    /// <summary>∂L/∂m_j of the last step.</summary>
    public float[] SmoothingGradient => _smoothing.Gradient;

    /// <summary>The largest level of the input.</summary>
    public int MaxInputLevel => UniformQuantizer.LevelsOf(Bits.Activations, isSymmetric: false).Max;

    /// <summary>The largest level of a weight.</summary>
    public int MaxWeightLevel => UniformQuantizer.LevelsOf(Bits.Weights, isSymmetric: true).Max;

    /// <summary>A zero point as the layer uses it: a level.</summary>
    public int ZeroPoint(int group) => (int)Levels.Limit(MathF.Round(ZeroPoints[group]), 0, MaxInputLevel);

    /// <summary>1/m.</summary>
    public float[] InverseSmoothing() => Array.ConvertAll(Smoothing, m => 1 / m);

    /// <inheritdoc />
    public OperationGradient CreateStep(FusedOperation operation) => new QuantizedLinearGradient(this, operation.Main);

    /// <summary>q_w, <c>[out, in]</c>.</summary>
    public sbyte[] WeightLevels()
    {
        var levels = new sbyte[Weight.Length];
        ReadOnlySpan<float> weight = Weight.Span;
        float max = MaxWeightLevel;
        for (int i = 0; i < Product.Outputs; i++)
        {
            float inverse = 1 / WeightScales[i];
            ReadOnlySpan<float> row = weight.Slice(i * Product.Inputs, Product.Inputs);
            Span<sbyte> target = levels.AsSpan(i * Product.Inputs, Product.Inputs);
            for (int j = 0; j < row.Length; j++)
                target[j] = (sbyte)Levels.Limit(MathF.Round(row[j] * Smoothing[j] * inverse), -max, max);
        }
        return levels;
    }

    /// <summary>The layer with the learned values.</summary>
    public QuantizedLayer ToQuantized()
    {
        int[] zeroPoints = [.. Enumerable.Range(0, ZeroPoints.Length).Select(ZeroPoint)];
        return new QuantizedLayer(
            WeightLevels(),
            UniformQuantizer.Symmetric(Bits.Weights, Granularity.PerChannel, [.. WeightScales]),
            UniformQuantizer.Asymmetric(Bits.Activations, Granularity, [.. InputScales], zeroPoints),
            HasSmoothing ? InverseSmoothing() : null);
    }
}
