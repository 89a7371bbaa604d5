using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;

namespace Bitis.Graphs.Operators;

/// <summary>The selective state space recurrence (Mamba, eq.</summary>
/// <remarks>
/// 2 with zero-order hold), for each channel d and state n:
/// <code>
///   Āₜ = exp(Δₜ·A),  A = −exp(A_log)          discreteA
///   hₜ = Āₜ·hₜ₋₁ + Δₜ·Bₜ·uₜ,  h₋₁ = 0         hiddenState
///   yₜ = Σₙ Cₜ·hₜ + D·uₜ
/// </code>
/// Inputs: u and Δ <c>[tokens, channels]</c> (Δ after softplus), B and C <c>[tokens, states]</c>.
/// </remarks>
/// <param name="Channels">The number of channels, d.</param>
/// <param name="States">The number of states a channel has, n.</param>
internal sealed record SelectiveScan(int Channels, int States) : Operator
{
    /// <summary>The most states that kernels take; scans with more of them run through the forward here.</summary>
    internal const int MaxKernelStates = Kernels.Scan.SelectiveScan.MaxStates;

    /// <inheritdoc />
    public override string Kind => "selective_scan";

    /// <inheritdoc />
    internal override ScanSize ScanSize => new(Channels, States);

    /// <inheritdoc />
    internal override TokenOrderUse OrderUse => TokenOrderUse.Equivariant;

    /// <inheritdoc />
    internal override IReadOnlyList<ParameterSpec> Parameters =>
        [new("A_log", [Channels, States]), new("D", [Channels])];

    /// <inheritdoc />
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        RequireSetting("channels", Channels, 1);
        RequireSetting("states", States, 1);
        bool fits = inputs.Length == 4 && inputs[0].Rank == 2 && inputs[0][1] == Channels && inputs[1] == inputs[0]
            && inputs[2] == [inputs[0][0], States] && inputs[3] == inputs[2];
        Require(fits, inputs, $"u, Δ: [tokens, {Channels}] and B, C: [tokens, {States}]");
        return inputs[0];
    }

    /// <inheritdoc />
    public override FloatTensor Forward(ReadOnlySpan<FloatTensor> inputs, ReadOnlySpan<FloatTensor> parameters)
    {
        var a = new FloatTensor(parameters[0].Shape);
        for (int i = 0; i < a.Length; i++)
            a.Span[i] = -MathF.Exp(parameters[0].Span[i]);
        return Scan(inputs[0], inputs[1], a, inputs[2], inputs[3], parameters[1], out _);
    }

    /// <summary>The recurrence with A itself, not its logarithm.</summary>
    /// <param name="u">Input, <c>[batch, tokens, channels]</c>.</param>
    /// <param name="delta">Step Δ, as u.</param>
    /// <param name="a">A, <c>[channels, states]</c>.</param>
    /// <param name="b">B, <c>[batch, tokens, states]</c>.</param>
    /// <param name="c">C, as B.</param>
    /// <param name="d">D, <c>[channels]</c>.</param>
    /// <param name="lastState">The hidden state after the last token, <c>[batch, channels, states]</c>.</param>
    /// <returns>y, as u.</returns>
    public static FloatTensor Scan(
        FloatTensor u, FloatTensor delta, FloatTensor a, FloatTensor b, FloatTensor c, FloatTensor d,
        out FloatTensor lastState)
    {
        int batch = u.Shape[0], tokens = u.Shape[1], channels = u.Shape[2], states = a.Shape[1];
        FloatTensor y = FloatTensor.Uninitialized(u.Shape);
        lastState = new FloatTensor([batch, channels, states]);
        for (int image = 0; image < batch; image++)
        {
            for (int channel = 0; channel < channels; channel++)
            {
                Span<float> h = lastState.Span.Slice((image * channels + channel) * states, states);
                ReadOnlySpan<float> aRow = a.Span.Slice(channel * states, states);
                for (int t = 0; t < tokens; t++)
                {
                    int row = image * tokens + t;
                    float ut = u.Span[row * channels + channel], dt = delta.Span[row * channels + channel];
                    ReadOnlySpan<float> bt = b.Span.Slice(row * states, states),
                        ct = c.Span.Slice(row * states, states);
                    float sum = d.Span[channel] * ut;
                    for (int n = 0; n < states; n++)
                    {
                        h[n] = MathF.Exp(dt * aRow[n]) * h[n] + dt * bt[n] * ut;
                        sum += ct[n] * h[n];
                    }
                    y.Span[row * channels + channel] = sum;
                }
            }
        }
        return y;
    }
}
