using System.Numerics.Tensors;
using Bitis.Tensors;

namespace Bitis.Graphs.Operators;

/// <summary>Multi-head self-attention (Vaswani et al., 2017) between its two projections.</summary>
/// <remarks>
/// Tokens <c>[tokens, 3·width]</c> hold queries, keys and values, each split into heads of d channels. The output is
/// <c>y_h = softmax(q_h·k_hᵀ/√d)·v_h</c>, <c>[tokens, width]</c>.
/// </remarks>
/// <param name="Width">The channels of all heads together.</param>
/// <param name="Heads">How many heads there are; divides the width.</param>
internal sealed record Attention(int Width, int Heads) : Operator
{
    /// <inheritdoc />
    public override string Kind => "attention";

    /// <summary>d, the channels of a head.</summary>
    public int HeadWidth => Width / Heads;

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        RequireSetting("width", Width, 1, int.MaxValue / 3);
        RequireSetting("heads", Heads, 1, Width);
        Require(
            inputs.Length == 1 && inputs[0].Rank == 2 && inputs[0][1] == 3 * Width && Width % Heads == 0, inputs,
            $"[tokens, {3 * Width}]");
        return [inputs[0][0], Width];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0]; // [batch, tokens, 3·width]
        int batch = x.Shape[0], tokens = x.Shape[1];
        var y = new FloatTensor([batch, tokens, Width]);
        var weights = new float[tokens];
        for (int b = 0; b < batch; b++)
        {
            ReadOnlySpan<float> image = x.Span.Slice(b * tokens * 3 * Width, tokens * 3 * Width);
            for (int head = 0; head < Heads; head++)
            {
                for (int i = 0; i < tokens; i++)
                {
                    Weigh(Part(image, i, 0, head), image, head, weights);
                    Span<float> target = y.Span.Slice((((b * tokens) + i) * Width) + (head * HeadWidth), HeadWidth);
                    for (int j = 0; j < tokens; j++)
                        TensorPrimitives.MultiplyAdd(Part(image, j, 2, head), weights[j], target, target);
                }
            }
        }
        return y;
    }

    /// <summary>The channels of a head: of a token's query (0), key (1) or value (2).</summary>
    private ReadOnlySpan<float> Part(ReadOnlySpan<float> image, int token, int part, int head) =>
        image.Slice((((token * 3) + part) * Width) + (head * HeadWidth), HeadWidth);

    /// <summary>softmax(q·kᵀ/√d) over all tokens.</summary>
    private void Weigh(ReadOnlySpan<float> query, ReadOnlySpan<float> image, int head, Span<float> weights)
    {
        float scale = 1 / MathF.Sqrt(HeadWidth);
        for (int j = 0; j < weights.Length; j++)
            weights[j] = scale * TensorPrimitives.Dot(query, Part(image, j, 1, head));
        Softmax.Compute(weights, weights);
    }
}
