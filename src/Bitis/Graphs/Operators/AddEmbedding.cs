using System.Numerics.Tensors;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Tensors;

namespace Bitis.Graphs.Operators;

/// <summary>Adds a learned embedding, such as absolute positions, to each image's tokens.</summary>
/// <param name="Tokens">The number of tokens.</param>
/// <param name="Channels">The size of a token.</param>
internal sealed record AddEmbedding(int Tokens, int Channels) : Operator
{
    /// <inheritdoc />
    public override string Kind => "add_embedding";

    /// <inheritdoc />
    internal override IReadOnlyList<ParameterSpec> Parameters => [new("embedding", [1, Tokens, Channels])];

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        RequireSetting("tokens", Tokens, 1);
        RequireSetting("channels", Channels, 1);
        Require(inputs.Length == 1 && inputs[0] == [Tokens, Channels], inputs, $"[{Tokens}, {Channels}]");
        return inputs[0];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor x = inputs[0]; // [batch, tokens, channels]
        FloatTensor y = FloatTensor.Uninitialized(x.Shape);
        int size = Tokens * Channels;
        for (int start = 0; start < x.Length; start += size)
            TensorPrimitives.Add(x.Span.Slice(start, size), parameters[0].Span, y.Span.Slice(start, size));
        return y;
    }
}
