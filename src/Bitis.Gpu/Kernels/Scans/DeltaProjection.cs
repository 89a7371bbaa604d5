using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Scans;

/// <summary>Writes how a thread gets its channel's Δ, before the softplus, from a token's values.</summary>
/// <param name="writer">The kernel.</param>
/// <param name="shape">The shape.</param>
internal abstract class DeltaProjection(PtxWriter writer, ScanShape shape)
{
    /// <summary>The kernel.</summary>
    protected PtxWriter Writer => writer;

    /// <summary>The shape.</summary>
    protected ScanShape Shape => shape;

    /// <summary>The addresses of the weights and biases, which the parameters of the kernel say.</summary>
    protected Register[] Pointers { get; private set; } = [];

    /// <summary>The bias of the thread's channel.</summary>
    protected Register Bias { get; private set; }

    /// <summary>The parameters of the kernel that the projection takes.</summary>
    protected abstract int ParameterCount { get; }

    /// <summary>Reads the parameters, in the order of <see cref="ScanOperands"/>.</summary>
    public void ReadParameters() =>
        Pointers = [.. Enumerable.Range(0, ParameterCount).Select(_ => writer.Parameter(ParameterKind.Pointer))];

    /// <summary>Reads what belongs to a channel.</summary>
    /// <param name="row">The channel among those of both directions.</param>
    public virtual void ReadChannel(Register row) =>
        Bias = writer.LoadConstant(writer.Address(Pointers[1], row, sizeof(float)));

    /// <summary>Makes a tile ready, between two barriers.</summary>
    /// <param name="tile">Its address.</param>
    /// <param name="tokenOf">The token of a row of the tile.</param>
    /// <param name="rows">The rows of the tile that are there.</param>
    public abstract void Prepare(Register tile, Func<Register, Register> tokenOf, Register rows);

    /// <summary>Δ of a token before the softplus.</summary>
    /// <param name="tile">The address of the tile.</param>
    /// <param name="row">The row in it.</param>
    /// <param name="token">The token.</param>
    public abstract Register Project(Register tile, int row, Register token);
}
