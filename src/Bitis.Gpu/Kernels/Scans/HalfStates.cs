using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Scans;

/// <summary>The recurrence with two states in a register, as float16.</summary>
/// <remarks>
/// <code>
///   Δ = softplus(x), in float32      h₂ = 2^(Δ·A₂·log₂e) · h₂ + (Δ·u)·B₂[t]       y = Σ h₂·C₂[t] + D·u
/// </code>
/// A power serves two states, which is what bounds the scan in float32. Pairs of B and of C take the place of B in a
/// tile, side by side, once for all channels: half as much to read.
/// </remarks>
/// <param name="writer">The kernel.</param>
/// <param name="shape">The shape, with an even number of states for each thread.</param>
/// <param name="lanes">The threads of a channel.</param>
/// <param name="thread">Which of the threads it is.</param>
internal sealed class HalfStates(PtxWriter writer, ScanShape shape, int lanes, ScanThread thread)
    : ScanStates(writer, shape, lanes)
{
    private Register[] _rates = [];
    private Register[] _hidden = [];
    private Register _skip;

    /// <inheritdoc />
    protected override int ParameterCount => 2;

    private int Pairs => Count / 2;

    /// <inheritdoc />
    public override void ReadChannel(Register row, Register channel, Register part)
    {
        base.ReadChannel(row, channel, part);
        Register rates = OwnStates(Writer.Address(Pointers[0], row, Shape.States * sizeof(float)), sizeof(float));
        _rates = [.. Enumerable.Range(0, Pairs).Select(n => Pack(
            Writer.LoadConstant(rates, 2 * n * sizeof(float)),
            Writer.LoadConstant(rates, ((2 * n) + 1) * sizeof(float))))];
        _skip = Writer.LoadConstant(Writer.Address(Pointers[1], row, sizeof(float)));
        _hidden = [.. Enumerable.Range(0, Pairs).Select(_ => Writer.Integer(0))];
    }

    /// <inheritdoc />
    public override void Prepare(Register tile, Register start, Register rows)
    {
        PtxWriter w = Writer;
        int pairs = Shape.States / 2;
        for (int begun = 0; begun < BlockScan.TokensOfTile * pairs; begun += ScanKernels.ThreadsOfDirection)
        {
            (Register row, Register pair) = w.Divide(w.Add(thread.Place, begun), pairs);
            Register isInside = w.Both(w.Less(row, rows), w.Less(row, BlockScan.TokensOfTile));
            Register element = w.MultiplyAdd(row, Shape.ParameterStride, w.Integer(Shape.Rank));
            Register place = w.MultiplyAdd(w.Add(element, w.ShiftLeft(pair, 1)), sizeof(float), tile);
            Register[] packed = [.. Enumerable.Range(0, 2).Select(isC => Pack(
                Read(place, isC * Shape.States), Read(place, (isC * Shape.States) + 1)))];
            // The thread overwrites only what it has read itself.
            for (int isC = 0; isC < 2; isC++)
                w.DoIf(isInside, "st.shared.b32", Operand.At(place, isC * sizeof(int)), packed[isC]);

            Register Read(Register address, int index)
            {
                Register value = w.Float(0);
                w.DoIf(isInside, "ld.shared.f32", value, Operand.At(address, index * sizeof(float)));
                return value;
            }
        }
        w.Barrier();
    }

    /// <inheritdoc />
    public override Register Step(Register u, Register x, Register tile, int row, Register step)
    {
        PtxWriter w = Writer;
        Register delta = Softplus(x), input = w.Multiply(delta, u);
        Register deltas = Pack(delta, delta), inputs = Pack(input, input), sums = w.Integer(0);
        int start = ((row * Shape.ParameterStride) + Shape.Rank) * sizeof(float);
        bool isAligned = Shape.Rank % 4 == 0 && Count % 4 == 0;
        Register[] bc = w.LoadShared(RegisterKind.Word, OwnStates(tile, sizeof(int)), start, Count, isAligned);
        for (int n = 0; n < Pairs; n++)
        {
            Register h = _hidden[n];
            Register decay = w.Emit(
                RegisterKind.Word, "ex2.approx.f16x2",
                w.Emit(RegisterKind.Word, "mul.rn.f16x2", deltas, _rates[n]));
            Register added = w.Emit(RegisterKind.Word, "mul.rn.f16x2", inputs, bc[2 * n]);
            w.Do("fma.rn.f16x2", h, decay, h, added);
            sums = w.Emit(RegisterKind.Word, "fma.rn.f16x2", h, bc[(2 * n) + 1], sums);
        }
        Register[] halves = w.New(RegisterKind.Half, 2);
        w.Do("mov.b32", Operand.Vector(halves), sums);
        Register sum = w.Add(
            w.Emit(RegisterKind.Float, "cvt.f32.f16", halves[0]), w.Emit(RegisterKind.Float, "cvt.f32.f16", halves[1]));
        return w.MultiplyAdd(_skip, u, SumOfChannel(sum));
    }

    private Register Pack(Register low, Register high) =>
        Writer.Emit(RegisterKind.Word, "cvt.rn.f16x2.f32", high, low);
}
