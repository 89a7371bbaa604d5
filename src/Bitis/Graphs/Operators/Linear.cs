using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;

namespace Bitis.Graphs.Operators;

/// <summary>A fully connected layer over the innermost dimension: <c>y = x·Wᵀ + b</c>.</summary>
/// <param name="InFeatures">The size of the input's innermost dimension.</param>
/// <param name="OutFeatures">The size of the output's innermost dimension.</param>
/// <param name="HasBias">Whether there is a bias.</param>
internal sealed record Linear(int InFeatures, int OutFeatures, bool HasBias) : Operator
{
    /// <inheritdoc />
    public override string Kind => "linear";

    /// <inheritdoc />
    internal override TokenOrderUse OrderUse => TokenOrderUse.Equivariant;

    /// <inheritdoc />
    internal override IReadOnlyList<ParameterSpec> Parameters => HasBias
        ? [new("weight", [OutFeatures, InFeatures]), new("bias", [OutFeatures])]
        : [new("weight", [OutFeatures, InFeatures])];

    /// <inheritdoc />
    internal override LayerProduct Product => new(InFeatures, OutFeatures);

    /// <inheritdoc />
    internal override Operator WithBias => this with { HasBias = true };

    /// <inheritdoc />
    internal override InputScales FinestScales => InputScales.Tokens;

    /// <inheritdoc />
    internal override bool PassesScanOn => false;

    /// <inheritdoc />
    internal override Operator WithOutputs(int outputs) => this with { OutFeatures = outputs };

    /// <inheritdoc />
    internal override bool TakesOutputFactors => true;

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        RequireSetting("input features", InFeatures, 1);
        RequireSetting("output features", OutFeatures, 1);
        Require(
            inputs.Length == 1 && inputs[0].Rank >= 1 && inputs[0][^1] == InFeatures, inputs, $"[..., {InFeatures}]");
        return [.. inputs[0].Sizes[..^1], OutFeatures];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0]; // [..., in]
        ReadOnlySpan<float> weight = parameters[0].Span; // [out, in]
        ReadOnlySpan<float> bias = HasBias ? parameters[1].Span : default; // [out]
        FloatTensor y = FloatTensor.Uninitialized([.. x.Shape.Sizes[..^1], OutFeatures]);
        int rows = x.Length / InFeatures;
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> input = x.Span.Slice(row * InFeatures, InFeatures);
            Span<float> output = y.Span.Slice(row * OutFeatures, OutFeatures);
            for (int o = 0; o < OutFeatures; o++)
            {
                double sum = HasBias ? bias[o] : 0;
                ReadOnlySpan<float> w = weight.Slice(o * InFeatures, InFeatures);
                for (int i = 0; i < input.Length; i++)
                    sum += (double)input[i] * w[i];
                output[o] = (float)sum;
            }
        }
        return y;
    }
}
