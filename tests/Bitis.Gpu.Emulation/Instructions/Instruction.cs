namespace Bitis.Gpu.Emulation.Instructions;

/// <summary>What an instruction does to the flow of a warp.</summary>
internal enum FlowKind
{
    /// <summary>Nothing: the next instruction follows.</summary>
    None,

    /// <summary>It goes on elsewhere.</summary>
    Branch,

    /// <summary>It waits for the other warps.</summary>
    Barrier,

    /// <summary>It ends.</summary>
    Return,
}

/// <summary>One instruction, for all lanes of a warp at once.</summary>
internal abstract class Instruction
{
    /// <summary>What the text says.</summary>
    public string Text { get; set; } = "";

    /// <summary>The line of the text, from 1.</summary>
    public int Line { get; set; }

    /// <summary>The opcode with all its suffixes.</summary>
    public string Opcode { get; set; } = "";

    /// <summary>How often warps ran it.</summary>
    public long Executions { get; set; }

    /// <summary>The predicate that lanes need; -1 for none.</summary>
    public int Predicate { get; set; } = -1;

    /// <summary>Whether lanes need the predicate to be false.</summary>
    public bool IsNegated { get; set; }

    /// <summary>What it does to the flow.</summary>
    public virtual FlowKind Flow => FlowKind.None;

    /// <summary>Where a branch goes.</summary>
    public int Target { get; set; }

    /// <summary>The lanes that run it.</summary>
    public uint MaskFor(Warp warp)
    {
        if (Predicate < 0)
            return Warp.AllLanes;
        warp.RequirePredicate(Predicate, Warp.AllLanes);
        uint value = warp.Predicates[Predicate];
        return IsNegated ? ~value : value;
    }

    /// <summary>Runs it for some lanes.</summary>
    public abstract void Run(Warp warp, uint mask);
}

/// <summary>An instruction that only changes the flow.</summary>
internal sealed class FlowInstruction(FlowKind flow) : Instruction
{
    /// <inheritdoc />
    public override FlowKind Flow => flow;

    /// <inheritdoc />
    public override void Run(Warp warp, uint mask) => throw new InvalidOperationException("The warp does that.");
}

/// <summary>The threads of a warp meet.</summary>
internal sealed class WarpBarrierInstruction : Instruction
{
    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        warp.RequireAllLanes(mask);
        warp.SinceBarrier = warp.Block.Shared.PassWarpBarrier();
    }
}
