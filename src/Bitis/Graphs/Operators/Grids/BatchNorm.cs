using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;

namespace Bitis.Graphs.Operators.Grids;

/// <summary>Batch normalization with the statistics of the training: <c>y = (x − m) / √(v + ε) · w + b</c>.</summary>
/// <remarks>Sessions fold it into the layer before it (<see cref="Fusion.NormFolding"/>).</remarks>
/// <param name="Channels">The size of the innermost dimension.</param>
/// <param name="Epsilon">ε, added to the variance.</param>
internal sealed record BatchNorm(int Channels, float Epsilon) : Operator
{
    /// <inheritdoc />
    public override string Kind => "batch_norm";

    /// <inheritdoc />
    internal override TokenOrderUse OrderUse => TokenOrderUse.Equivariant;

    /// <inheritdoc />
    internal override IReadOnlyList<ParameterSpec> Parameters =>
    [
        new("weight", [Channels]), new("bias", [Channels]),
        new("running_mean", [Channels]) { Learns = false }, new("running_var", [Channels]) { Learns = false },
    ];

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        RequireSetting("channels", Channels, 1);
        RequireEpsilon(Epsilon);
        Require(inputs.Length == 1 && inputs[0].Rank >= 1 && inputs[0][^1] == Channels, inputs, $"[..., {Channels}]");
        return inputs[0];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        FloatTensor y = FloatTensor.Uninitialized(inputs[0].Shape);
        ReadOnlySpan<float> x = inputs[0].Span;
        for (int channel = 0; channel < Channels; channel++)
        {
            (double factor, double offset) = Factors(parameters, channel);
            for (int i = channel; i < x.Length; i += Channels)
                y.Span[i] = (float)(x[i] * factor + offset);
        }
        return y;
    }

    /// <summary>The norm of a channel as <c>x · factor + offset</c>.</summary>
    /// <param name="parameters">The tensors of <see cref="Parameters"/>.</param>
    /// <param name="channel">The channel.</param>
    public (double Factor, double Offset) Factors(ReadOnlySpan<FloatTensor> parameters, int channel)
    {
        double factor = parameters[0].Span[channel] / Math.Sqrt((double)parameters[3].Span[channel] + Epsilon);
        return (factor, parameters[1].Span[channel] - parameters[2].Span[channel] * factor);
    }
}
