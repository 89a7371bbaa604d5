namespace Bitis.Gpu.Emulation.Instructions;

/// <summary>How a lane finds the one whose value it takes.</summary>
internal enum ShuffleMode
{
    /// <summary>A lane by its number.</summary>
    Index,

    /// <summary>A lane further down.</summary>
    Up,

    /// <summary>A lane further up.</summary>
    Down,

    /// <summary>The lane whose number differs in some bits.</summary>
    Butterfly,
}

/// <summary>Each lane takes the value of another one, with clamp and segments as the language defines them.</summary>
internal sealed class ShuffleInstruction(ShuffleMode mode, int result, int a, int b, int clamp, int members)
    : Instruction
{
    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        foreach (int row in (ReadOnlySpan<int>)[b, clamp, members])
            warp.RequireRow(row, mask);
        Span<uint> source = stackalloc uint[Warp.Lanes];
        warp.Row(a).CopyTo(source);
        Span<uint> target = warp.Row(result);
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if ((mask >> lane & 1) == 0)
                continue;
            if (warp.Row(members)[lane] != mask)
            {
                throw warp.Finding(
                    FindingKind.Divergence, $"the mask {warp.Row(members)[lane]:X8} is not the lanes' {mask:X8}");
            }

            int other = Source(lane, (int)warp.Row(b)[lane] & 31, warp.Row(clamp)[lane]);
            warp.RequireRow(a, 1u << other);
            if ((mask >> other & 1) == 0)
                throw warp.Finding(FindingKind.Divergence, $"lane {other} gives a value but does not take part");
            target[lane] = source[other];
        }
        warp.WrittenRows[result] |= mask;
    }

    private int Source(int lane, int distance, uint limits)
    {
        int limit = (int)limits & 31, segment = (int)(limits >> 8) & 31;
        int last = (lane & segment) | (limit & ~segment), first = lane & segment;
        int other = mode switch
        {
            ShuffleMode.Index => first | (distance & ~segment),
            ShuffleMode.Up => lane - distance,
            ShuffleMode.Down => lane + distance,
            _ => lane ^ distance,
        };
        return (mode == ShuffleMode.Up ? other >= last : other <= last) ? other : lane;
    }
}
