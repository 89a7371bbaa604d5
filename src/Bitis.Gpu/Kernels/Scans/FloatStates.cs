using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Scans;

/// <summary>The recurrence in float32.</summary>
/// <remarks>
/// <code>
///   Δ = softplus(x)      h = 2^(Δ·A·log₂e)·h + (Δ·u)·B[t]       y = Σ_n h·C[t] + D·u
/// </code>
/// </remarks>
internal sealed class FloatStates(PtxWriter writer, ScanShape shape, int lanes) : ScanStates(writer, shape, lanes)
{
    private Register[] _rates = [];
    private Register[] _hidden = [];
    private Register _skip;

    /// <inheritdoc />
    protected override int ParameterCount => 2;

    /// <inheritdoc />
    public override void ReadChannel(Register row, Register channel, Register part)
    {
        base.ReadChannel(row, channel, part);
        Register rates = OwnStates(Writer.Address(Pointers[0], row, Shape.States * sizeof(float)), sizeof(float));
        _rates = [.. Enumerable.Range(0, Count).Select(n => Writer.LoadConstant(rates, n * sizeof(float)))];
        _skip = Writer.LoadConstant(Writer.Address(Pointers[1], row, sizeof(float)));
        _hidden = [.. Enumerable.Range(0, Count).Select(_ => Writer.Float(0))];
    }

    /// <inheritdoc />
    public override void Prepare(Register tile, Register start, Register rows)
    {
    }

    /// <inheritdoc />
    public override Register Step(Register u, Register x, Register tile, int row, Register step)
    {
        PtxWriter w = Writer;
        Register delta = Softplus(x), input = w.Multiply(delta, u), sum = w.Float(0);
        (Register[] b, Register[] c) = ReadRow(RegisterKind.Float, tile, row);
        for (int n = 0; n < Count; n++)
        {
            Register h = _hidden[n];
            Register decay = w.Exp2(w.Multiply(delta, _rates[n]));
            w.Do("fma.rn.f32", h, decay, h, w.Multiply(input, b[n]));
            sum = w.MultiplyAdd(h, c[n], sum);
        }
        return w.MultiplyAdd(_skip, u, SumOfChannel(sum));
    }
}
