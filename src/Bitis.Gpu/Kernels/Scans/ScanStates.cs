using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Scans;

/// <summary>Writes the recurrence of a thread's states of one channel.</summary>
/// <param name="writer">The kernel.</param>
/// <param name="shape">The shape.</param>
/// <param name="lanes">The threads of a channel.</param>
internal abstract class ScanStates(PtxWriter writer, ScanShape shape, int lanes)
{
    /// <summary>The kernel.</summary>
    protected PtxWriter Writer => writer;

    /// <summary>The shape.</summary>
    protected ScanShape Shape => shape;

    /// <summary>The states of a thread.</summary>
    protected int Count => shape.States / lanes;

    /// <summary>The addresses that the parameters of the kernel say.</summary>
    protected Register[] Pointers { get; private set; } = [];

    /// <summary>The number of the thread among those of its channel.</summary>
    protected Register Part { get; private set; }

    /// <summary>How many parameters of the kernel there are.</summary>
    protected abstract int ParameterCount { get; }

    /// <summary>Reads the parameters, in the order of <see cref="ScanOperands"/>.</summary>
    public void ReadParameters() =>
        Pointers = [.. Enumerable.Range(0, ParameterCount).Select(_ => writer.Parameter(ParameterKind.Pointer))];

    /// <summary>Reads what belongs to a channel, and clears its states.</summary>
    /// <param name="row">The channel among those of both directions.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="part">The number of the thread among those of the channel.</param>
    public virtual void ReadChannel(Register row, Register channel, Register part) => Part = part;

    /// <summary>Makes a tile ready, between two barriers.</summary>
    /// <param name="tile">Its address.</param>
    /// <param name="start">The steps of the direction before the tile.</param>
    /// <param name="rows">The rows of the tile that are there.</param>
    public abstract void Prepare(Register tile, Register start, Register rows);

    /// <summary>One token of the channel; returns y.</summary>
    /// <param name="u">u.</param>
    /// <param name="x">Δ before the softplus.</param>
    /// <param name="tile">The address of the tile.</param>
    /// <param name="row">The row of the token in it.</param>
    /// <param name="step">The steps of the direction before the token.</param>
    public abstract Register Step(Register u, Register x, Register tile, int row, Register step);

    /// <summary>The sum over all states of a channel.</summary>
    protected Register SumOfChannel(Register sum) => writer.SumOverLanes(sum, lanes);

    /// <summary>The address of the thread's part of a list of states.</summary>
    /// <param name="address">The address of the list.</param>
    /// <param name="bytes">The bytes of a state.</param>
    protected Register OwnStates(Register address, int bytes) => lanes == 1
        ? address
        : address.Kind == RegisterKind.Long
            ? writer.Address(address, Part, Count * bytes)
            : writer.MultiplyAdd(Part, Count * bytes, address);

    /// <summary>B and C of the thread's states, from a row of a tile.</summary>
    /// <param name="kind">What they are in the tile: floats, or levels.</param>
    /// <param name="tile">The address of the tile.</param>
    /// <param name="row">The row.</param>
    protected (Register[] B, Register[] C) ReadRow(RegisterKind kind, Register tile, int row)
    {
        Register mine = OwnStates(tile, sizeof(float));
        int start = ((row * shape.ParameterStride) + shape.Rank) * sizeof(float);
        bool isAligned = shape.Rank % 4 == 0 && shape.States % 4 == 0 && Count % 4 == 0;
        return (
            writer.LoadShared(kind, mine, start, Count, isAligned),
            writer.LoadShared(kind, mine, start + (shape.States * sizeof(float)), Count, isAligned));
    }

    /// <summary>softplus(x) = max(x, 0) + log(1 + e), e = exp(−|x|).</summary>
    /// <remarks>
    /// log(1 + e) = 2·artanh(s), s = e/(2 + e) ≤ 1/3, by the polynomial of the CPU (<c>VectorMath.Softplus</c>). Its
    /// error of 10⁻⁶ is larger than those of e and s. A better one would give other levels of Δ now and then. The
    /// processor's logarithm has an absolute error, which would be large beside the small Δ of negative x.
    /// </remarks>
    protected Register Softplus(Register x)
    {
        Register e = writer.Exp(writer.Negative(writer.Emit(RegisterKind.Float, "abs.f32", x)));
        Register s = writer.Quotient(e, writer.Add(e, 2f)), square = writer.Multiply(s, s);
        Register polynomial = writer.Polynomial(
            square, 0.281577796f, 0.279651582f, 0.400245965f, 0.666663229f, 2f);
        return writer.MultiplyAdd(s, polynomial, writer.Max(x, 0f));
    }
}
