using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Scans;

/// <summary>Δ from float32: bias + Σ_r δ[t, r]·W[e, r], with the weights in registers.</summary>
internal sealed class FloatDelta(PtxWriter writer, ScanShape shape) : DeltaProjection(writer, shape)
{
    private Register[] _weights = [];

    /// <inheritdoc />
    protected override int ParameterCount => 2;

    /// <inheritdoc />
    public override void ReadChannel(Register row)
    {
        base.ReadChannel(row);
        Register weights = Writer.Address(Pointers[0], row, Shape.Rank * sizeof(float));
        _weights = [.. Enumerable.Range(0, Shape.Rank).Select(r => Writer.LoadConstant(weights, r * sizeof(float)))];
    }

    /// <inheritdoc />
    public override void Prepare(Register tile, Func<Register, Register> tokenOf, Register rows)
    {
    }

    /// <inheritdoc />
    public override Register Project(Register tile, int row, Register token)
    {
        Register[] inputs = Writer.LoadShared(
            RegisterKind.Float, tile, row * Shape.ParameterStride * sizeof(float), Shape.Rank, isAligned: true);
        Register sum = Bias;
        for (int r = 0; r < Shape.Rank; r++)
            sum = Writer.MultiplyAdd(inputs[r], _weights[r], sum);
        return sum;
    }
}
