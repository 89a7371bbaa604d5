namespace Bitis.Gpu.Emulation.Instructions;

/// <summary>The product of two integers as 64 bits.</summary>
internal sealed class MultiplyWideInstruction(int result, int a, int b) : Instruction
{
    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        warp.RequireRow(a, mask);
        warp.RequireRow(b, mask);
        Span<ulong> target = warp.Long(result);
        ReadOnlySpan<uint> x = warp.Row(a), y = warp.Row(b);
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if ((mask >> lane & 1) != 0)
                target[lane] = (ulong)((long)(int)x[lane] * (int)y[lane]);
        }
        warp.WrittenLongs[result] |= mask;
    }
}

/// <summary>The sum of two registers of 64 bits, or of one and a number.</summary>
internal sealed class AddLongInstruction(int result, int a, int b, long number) : Instruction
{
    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        warp.RequireLong(a, mask);
        if (b >= 0)
            warp.RequireLong(b, mask);
        Span<ulong> target = warp.Long(result);
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if ((mask >> lane & 1) != 0)
                target[lane] = warp.Long(a)[lane] + (b >= 0 ? warp.Long(b)[lane] : (ulong)number);
        }
        warp.WrittenLongs[result] |= mask;
    }
}

/// <summary>A copy of a register of 64 bits; an address of global memory is the same in all spaces.</summary>
internal sealed class MoveLongInstruction(int result, int a) : Instruction
{
    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        warp.RequireLong(a, mask);
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if ((mask >> lane & 1) != 0)
                warp.Long(result)[lane] = warp.Long(a)[lane];
        }
        warp.WrittenLongs[result] |= mask;
    }
}

/// <summary>Reads a parameter.</summary>
internal sealed class ParameterInstruction(int result, int parameter, bool isLong) : Instruction
{
    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        warp.RequireAllLanes(mask);
        ulong value = warp.Block.Arguments[parameter].Bits;
        if (isLong)
        {
            warp.Long(result).Fill(value);
            warp.WrittenLongs[result] = mask;
        }
        else
        {
            warp.Row(result).Fill((uint)value);
            warp.WrittenRows[result] = mask;
        }
    }
}
