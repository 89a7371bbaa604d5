using Bitis.Tensors;

namespace Bitis.Operators;

/// <summary>
/// The tokens of a grid in column-major instead of row-major order, as two of the four directions of a VMamba block see them
/// (cross scan): <c>y[j·H + i] = x[i·W + j]</c>. With height and width exchanged it is its own inverse (cross merge).
/// </summary>
/// <param name="Height">H, the rows of the input's grid.</param>
/// <param name="Width">W, the columns of the input's grid.</param>
public sealed record TransposeTokens(int Height, int Width) : Operator
{
    /// <inheritdoc />
    public override string Kind => "transpose_tokens";

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        Require(inputs.Length == 1 && inputs[0].Rank == 2 && inputs[0][0] == Height * Width, inputs, $"[{Height * Width}, channels]");
        return inputs[0];
    }

    /// <inheritdoc />
    public override Tensor Forward(ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> parameters)
    {
        Tensor x = inputs[0]; // [batch, height·width, channels]
        int batch = x.Shape[0], tokens = x.Shape[1], channels = x.Shape[2];
        Tensor y = Tensor.Uninitialized(x.Shape);
        for (int b = 0; b < batch; b++)
        {
            for (int t = 0; t < tokens; t++)
                x.Span.Slice((b * tokens + Source(t)) * channels, channels).CopyTo(y.Span[((b * tokens + t) * channels)..]);
        }
        return y;
    }

    /// <summary>The input's token that becomes a token of the output.</summary>
    public int Source(int token) => token % Height * Width + token / Height;
}
