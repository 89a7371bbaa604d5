using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Scans;

/// <summary>The recurrence in integers: <c>QuantizedScan</c> defines it, and the bits are the CPU's.</summary>
/// <remarks>
/// <code>
///   q_Δ = level of x or softplus(x)     (d, codeΔ) = table[q_Δ]      q_u = clamp(round(u·(1/s_u)), low, high)
///   v   = clamp16(round(q_u·d·f[g, e]·s_B[t]))
///   h   = level(clamp16(decay[clamp(codeΔ + codeA[e, n])] ∗ h + v ∗ b))              x ∗ y = (x·y + 2¹⁴) ≫ 15
///   y   = (Σ_n h·c)·unit[g, e]·s_C[t] + D·s_u·q_u                                   every product and sum rounded
/// </code>
/// Levels of B and C take the place of their values in a tile, once for all channels. The tables are in shared memory.
/// A softplus differs from the CPU's in its last bits, so a Δ near the middle of two levels may become the other one.
/// </remarks>
/// <param name="writer">The kernel.</param>
/// <param name="shape">The shape.</param>
/// <param name="lanes">The threads of a channel.</param>
/// <param name="thread">Which of the threads it is.</param>
internal sealed class LevelStates(PtxWriter writer, ScanShape shape, int lanes, ScanThread thread)
    : ScanStates(writer, shape, lanes)
{
    /// <summary>The values of Ā.</summary>
    public const int Decays = 128;

    /// <summary>The levels of Δ for which there is room, with a multiple and a code each.</summary>
    public const int Deltas = 256;

    private const int TableBytes = (Decays + (2 * Deltas)) * sizeof(int), DecayBytes = Decays * sizeof(int);
    private const int Lowest = short.MinValue, Highest = short.MaxValue;

    private readonly StateLevelShape _levels = shape.Levels!;
    private Register _tables;
    private Register _channel;
    private Register[] _rates = [];
    private Register[] _hidden = [];
    private Register _inverse;
    private Register _low;
    private Register _high;
    private Register _skip;
    private Register _group;

    /// <summary>The shared memory of the tables of a block's directions.</summary>
    public static int SharedBytes(ScanShape shape) => shape.DirectionsOfBlock * TableBytes;

    /// <inheritdoc />
    protected override int ParameterCount => 9;

    private Register DeltaScales => Pointers[0];

    private Register Tables => Pointers[1];

    private Register RateCodes => Pointers[2];

    private Register ChannelScales => Pointers[3];

    private Register Factors => Pointers[4];

    private Register StepScales => Pointers[5];

    private Register GroupsOfSteps => Pointers[6];

    private Register Rescales => Pointers[7];

    private Register Offsets => Pointers[8];

    /// <inheritdoc />
    public override void ReadChannel(Register row, Register channel, Register part)
    {
        base.ReadChannel(row, channel, part);
        PtxWriter w = Writer;
        _channel = channel;
        _tables = w.MultiplyAdd(thread.Half, TableBytes, w.Add(w.SharedBase(), w.Reserve(SharedBytes(Shape))));
        Register source = w.Address(w.Address(Tables, thread.Direction, TableBytes), thread.Place, sizeof(int));
        Register target = w.MultiplyAdd(thread.Place, sizeof(int), _tables);
        for (int i = 0; i < TableBytes; i += ScanKernels.ThreadsOfDirection * sizeof(int))
            w.Do("st.shared.b32", Operand.At(target, i), LoadInteger(source, i));
        Register rates = OwnStates(w.Address(RateCodes, row, Shape.States * sizeof(int)), sizeof(int));
        _rates = [.. Enumerable.Range(0, Count).Select(n => LoadInteger(rates, n * sizeof(int)))];
        Register scales = w.Address(ChannelScales, row, 4 * sizeof(float));
        _inverse = w.LoadConstant(scales);
        _low = w.LoadConstant(scales, sizeof(float));
        _high = w.LoadConstant(scales, 2 * sizeof(float));
        _skip = w.LoadConstant(scales, 3 * sizeof(float));
        _hidden = [.. Enumerable.Range(0, Count).Select(_ => w.Integer(0))];
        _group = w.Integer(0);
    }

    /// <inheritdoc />
    public override void Prepare(Register tile, Register start, Register rows)
    {
        PtxWriter w = Writer;
        int values = 2 * Shape.States;
        for (int begun = 0; begun < BlockScan.TokensOfTile * values; begun += ScanKernels.ThreadsOfDirection)
        {
            (Register row, Register value) = w.Divide(w.Add(thread.Place, begun), values);
            Register isInside = w.Both(w.Less(row, rows), w.Less(row, BlockScan.TokensOfTile));
            Register isB = w.Less(value, Shape.States);
            Register scales = ScalesOfStep(w.Add(start, w.Select(isInside, row, 0)));
            Register inverse = w.Emit(
                RegisterKind.Float, "selp.f32", w.LoadConstant(scales, sizeof(float)),
                w.LoadConstant(scales, 3 * sizeof(float)), isB);
            Register max = w.ToFloat(w.Select(isB, _levels.BMaxLevel, _levels.CMaxLevel)), number = w.Float(0);
            Register element = w.MultiplyAdd(row, Shape.ParameterStride, w.Add(value, Shape.Rank));
            Operand memory = Operand.At(w.MultiplyAdd(element, sizeof(float), tile));
            w.DoIf(isInside, "ld.shared.f32", number, memory);
            Register rounded = w.Emit(RegisterKind.Float, "cvt.rni.f32.f32", w.Multiply(number, inverse));
            Register limited = w.Min(w.Max(rounded, w.Emit(RegisterKind.Float, "neg.f32", max)), max);
            Register level = w.Emit(RegisterKind.Word, "cvt.rzi.s32.f32", limited);
            w.DoIf(
                isInside, "st.shared.b32", memory, w.Select(isB, w.ShiftLeft(level, _levels.BShift), level));
        }
        w.Barrier();
    }

    /// <summary>u as a level less the zero point, a float; the level of 0 where there is no u.</summary>
    /// <param name="level">A level from 0 on.</param>
    /// <param name="hasRow">Whether there is one.</param>
    public Register InputOf(Register level, Register hasRow)
    {
        Register zero = Writer.Min(Writer.Max(_low, 0f), _high);
        return Writer.Emit(
            RegisterKind.Float, "selp.f32", Writer.Add(Writer.ToFloat(level), _low), zero, hasRow);
    }

    /// <inheritdoc />
    public override Register Step(Register u, Register x, Register tile, int row, Register step)
    {
        PtxWriter w = Writer;
        EnterGroup(step);
        Register[] delta = DeltaOf(x);
        Register level = Shape.ReadsLevels ? u : w.Center(u, _inverse, _low, _high);
        Register factors = w.MultiplyAdd(thread.Direction, _levels.Groups, _group);
        factors = w.Address(
            Factors, w.MultiplyAdd(factors, Shape.Channels, _channel), 2 * sizeof(float));
        Register scales = ScalesOfStep(step);
        Register product = w.Multiply(w.Multiply(level, w.ToFloat(delta[0])), w.LoadConstant(factors));
        Register v = w.Round(w.Multiply(product, w.LoadConstant(scales)), Lowest, Highest);
        Register sum = SumOfChannel(Update(delta[1], v, tile, row, step));
        Register y = w.Multiply(
            w.Multiply(w.ToFloat(sum), w.LoadConstant(factors, sizeof(float))),
            w.LoadConstant(scales, 2 * sizeof(float)));
        return w.Add(y, w.Multiply(_skip, level));
    }

    /// <summary>The new states, and their sum with C.</summary>
    private Register Update(Register code, Register v, Register tile, int row, Register step)
    {
        PtxWriter w = Writer;
        Register sum = w.Integer(0);
        (Register[] b, Register[] c) = ReadRow(RegisterKind.Word, tile, row);
        Register offsets = w.Address(Offsets, OfStep(step), Shape.States * sizeof(int));
        offsets = OwnStates(offsets, sizeof(int));
        for (int n = 0; n < Count; n++)
        {
            Register h = _hidden[n], index = w.Clamp(w.Add(code, _rates[n]), 0, Decays - 1);
            Register decay = w.Emit(
                RegisterKind.Word, "ld.shared.b32", Operand.At(w.MultiplyAdd(index, sizeof(int), _tables)));
            Register next = w.Clamp(w.Add(Product(decay, h), Product(v, b[n])), Lowest, Highest);
            w.Do("mov.b32", h, LevelOf(next, LoadInteger(offsets, n * sizeof(int))));
            sum = w.MultiplyAdd(h, c[n], sum);
        }
        return sum;
    }

    /// <summary>Gives the states the scale of the group that begins at a step.</summary>
    private void EnterGroup(Register step)
    {
        if (_levels.Groups == 1)
            return;
        PtxWriter w = Writer;
        Register group = LoadInteger(w.Address(GroupsOfSteps, OfStep(step), sizeof(int)), 0);
        w.IfUniform(w.Emit(RegisterKind.Predicate, "setp.ne.s32", group, _group), () =>
        {
            w.Do("mov.b32", _group, group);
            Register index = w.MultiplyAdd(thread.Direction, _levels.Groups, group);
            Register rescale = w.LoadConstant(w.Address(Rescales, index, sizeof(float)));
            foreach (Register h in _hidden)
            {
                Register rescaled = w.Round(w.Multiply(w.ToFloat(h), rescale), Lowest, Highest);
                w.Do("mov.b32", h, LevelOf(rescaled, w.Integer(1 << (_levels.HiddenShift - 1))));
            }
        });
    }

    /// <summary>The multiple of Δ's unit, and what Δ adds to the code of Ā.</summary>
    private Register[] DeltaOf(Register x)
    {
        PtxWriter w = Writer;
        Register scales = w.Address(DeltaScales, thread.Direction, 2 * sizeof(float));
        Register value = _levels.IsBeforeSoftplus ? x : Softplus(x);
        Register distance = w.Multiply(
            w.Subtract(value, w.LoadConstant(scales)), w.LoadConstant(scales, sizeof(float)));
        Register level = w.Round(distance, 0, _levels.DeltaMaxLevel);
        Register[] entry = w.New(RegisterKind.Word, 2);
        Register address = w.MultiplyAdd(level, 2 * sizeof(int), _tables);
        w.Do("ld.shared.v2.b32", Operand.Vector(entry), Operand.At(address, DecayBytes));
        return entry;
    }

    private Register LevelOf(Register value, Register offset) => Writer.And(
        Writer.Clamp(Writer.Add(value, offset), Lowest, Highest), -1 << _levels.HiddenShift);

    private Register Product(Register x, Register y) =>
        Writer.ShiftRightSigned(Writer.MultiplyAdd(x, y, 1 << 14), 15);

    private Register OfStep(Register step) => Writer.MultiplyAdd(thread.Direction, Shape.Tokens, step);

    private Register ScalesOfStep(Register step) => Writer.Address(StepScales, OfStep(step), 4 * sizeof(float));

    private Register LoadInteger(Register address, int offset) =>
        Writer.Emit(RegisterKind.Word, "ld.global.nc.b32", Operand.At(address, offset));
}
