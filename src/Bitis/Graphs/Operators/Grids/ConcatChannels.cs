using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;

namespace Bitis.Graphs.Operators.Grids;

/// <summary>Values side by side: <c>[..., a]</c> and <c>[..., b]</c> to <c>[..., a + b]</c>.</summary>
internal sealed record ConcatChannels : Operator
{
    /// <inheritdoc />
    public override string Kind => "concat_channels";

    /// <inheritdoc />
    internal override TokenOrderUse OrderUse => TokenOrderUse.Equivariant;

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        const string expected = "values that differ in their channels only";
        Require(inputs.Length > 0 && inputs[0].Rank >= 1, inputs, expected);
        long channels = 0;
        foreach (Shape input in inputs)
        {
            bool fits = input.Rank == inputs[0].Rank && input.Sizes[..^1].SequenceEqual(inputs[0].Sizes[..^1]);
            Require(fits, inputs, expected);
            channels += input[^1];
        }
        Require(channels <= int.MaxValue, inputs, expected);
        return [.. inputs[0].Sizes[..^1], (int)channels];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        int channels = 0, start = 0;
        foreach (FloatTensor input in inputs)
            channels += input.Shape[^1];
        FloatTensor y = FloatTensor.Uninitialized([.. inputs[0].Shape.Sizes[..^1], channels]);
        foreach (FloatTensor input in inputs)
        {
            int width = input.Shape[^1];
            for (int row = 0; row < y.Length / channels; row++)
                input.Span.Slice(row * width, width).CopyTo(y.Span[(row * channels + start)..]);
            start += width;
        }
        return y;
    }
}
