using Bitis.Tensors;

namespace Bitis.Graphs.Operators.Tokens;

/// <summary>A range of the innermost dimension: <c>x[..., start : start + length]</c>.</summary>
/// <param name="Start">The first channel.</param>
/// <param name="Length">The number of channels.</param>
internal sealed record SliceChannels(int Start, int Length) : Operator
{
    /// <inheritdoc />
    public override string Kind => "slice_channels";

    /// <inheritdoc />
    internal override TokenOrderUse OrderUse => TokenOrderUse.Equivariant;

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        RequireSetting("start", Start, 0);
        RequireSetting("length", Length, 1);
        Require(
            inputs.Length == 1 && inputs[0].Rank >= 1 && Start <= inputs[0][^1] - Length,
            inputs,
            $"[..., at least {(long)Start + Length}]");
        return [.. inputs[0].Sizes[..^1], Length];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0];
        int channels = x.Shape[^1];
        FloatTensor y = FloatTensor.Uninitialized([.. x.Shape.Sizes[..^1], Length]);
        for (int row = 0; row < x.Length / channels; row++)
            x.Span.Slice(row * channels + Start, Length).CopyTo(y.Span[(row * Length)..]);
        return y;
    }
}
