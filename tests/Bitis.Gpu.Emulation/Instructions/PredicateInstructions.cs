namespace Bitis.Gpu.Emulation.Instructions;

/// <summary>Compares integers.</summary>
internal sealed class CompareInstruction(int result, int a, int b, string comparison) : Instruction
{
    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        warp.RequireRow(a, mask);
        warp.RequireRow(b, mask);
        ReadOnlySpan<uint> x = warp.Row(a), y = warp.Row(b);
        uint bits = 0;
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            int order = ((int)x[lane]).CompareTo((int)y[lane]);
            bool isTrue = comparison switch
            {
                "lt" => order < 0,
                "le" => order <= 0,
                "gt" => order > 0,
                "ge" => order >= 0,
                "eq" => order == 0,
                _ => order != 0,
            };
            bits |= isTrue ? 1u << lane : 0;
        }
        warp.Predicates[result] = (warp.Predicates[result] & ~mask) | (bits & mask);
        warp.WrittenPredicates[result] |= mask;
    }
}

/// <summary>Joins two predicates.</summary>
internal sealed class JoinInstruction(int result, int a, int b, Func<uint, uint, uint> join) : Instruction
{
    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        warp.RequirePredicate(a, mask);
        warp.RequirePredicate(b, mask);
        uint bits = join(warp.Predicates[a], warp.Predicates[b]);
        warp.Predicates[result] = (warp.Predicates[result] & ~mask) | (bits & mask);
        warp.WrittenPredicates[result] |= mask;
    }
}

/// <summary>Takes one of two rows, lane by lane.</summary>
internal sealed class SelectInstruction(int result, int a, int b, int predicate) : Instruction
{
    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        warp.RequireRow(a, mask);
        warp.RequireRow(b, mask);
        warp.RequirePredicate(predicate, mask);
        uint chosen = warp.Predicates[predicate];
        Span<uint> target = warp.Row(result);
        ReadOnlySpan<uint> x = warp.Row(a), y = warp.Row(b);
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if ((mask >> lane & 1) != 0)
                target[lane] = (chosen >> lane & 1) != 0 ? x[lane] : y[lane];
        }
        warp.WrittenRows[result] |= mask;
    }
}

/// <summary>Takes one of two registers of 64 bits, lane by lane.</summary>
internal sealed class SelectLongInstruction(int result, int a, int b, int predicate) : Instruction
{
    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        warp.RequireLong(a, mask);
        warp.RequireLong(b, mask);
        warp.RequirePredicate(predicate, mask);
        uint chosen = warp.Predicates[predicate];
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if ((mask >> lane & 1) != 0)
                warp.Long(result)[lane] = warp.Long((chosen >> lane & 1) != 0 ? a : b)[lane];
        }
        warp.WrittenLongs[result] |= mask;
    }
}
