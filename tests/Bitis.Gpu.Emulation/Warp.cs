using Bitis.Gpu.Emulation.Instructions;

namespace Bitis.Gpu.Emulation;

/// <summary>32 threads that run one instruction at a time.</summary>
/// <remarks>
/// Words, floats and halves are rows of 32 lanes of one array, behind them the constants of the program. Each row knows
/// which of its lanes were written.
/// </remarks>
internal sealed class Warp
{
    /// <summary>The lanes.</summary>
    public const int Lanes = 32;

    /// <summary>All lanes.</summary>
    public const uint AllLanes = uint.MaxValue;

    private readonly List<PendingCopy> _copies = [];
    private int _copyGroup;
    private int _next;
    private long _left;
    private Instruction? _current;

    /// <summary>Creates a warp that has not begun.</summary>
    public Warp(Block block, int index)
    {
        Block = block;
        Index = index;
        GlobalWriter = block.Device.Memory.NextWriter++;
        _left = block.Device.MaxInstructionsOfWarp;
        PtxProgram program = block.Program;
        Words = new uint[program.Rows * Lanes];
        Longs = new ulong[program.Longs * Lanes];
        Predicates = new uint[program.Predicates];
        WrittenRows = new uint[program.Rows];
        WrittenLongs = new uint[program.Longs];
        WrittenPredicates = new uint[program.Predicates];
        foreach ((int row, uint value) in program.Constants)
            SetRow(row, _ => value);
        foreach ((int row, string name) in program.Specials)
            SetRow(row, lane => block.Special(name, index, lane));
    }

    /// <summary>Its block.</summary>
    public Block Block { get; }

    /// <summary>Its number in the block.</summary>
    public int Index { get; }

    /// <summary>Its name as a writer of global memory.</summary>
    public uint GlobalWriter { get; }

    /// <summary>The first use of shared memory after its last barrier.</summary>
    public uint SinceBarrier { get; set; }

    /// <summary>Whether all its threads have returned.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Registers of 32 and 16 bits and constants, by row and lane.</summary>
    public uint[] Words { get; }

    /// <summary>Registers of 64 bits, by register and lane.</summary>
    public ulong[] Longs { get; }

    /// <summary>Predicates, a bit for each lane.</summary>
    public uint[] Predicates { get; }

    /// <summary>The lanes of each row that were written.</summary>
    public uint[] WrittenRows { get; }

    /// <summary>The lanes of each register of 64 bits that were written.</summary>
    public uint[] WrittenLongs { get; }

    /// <summary>The lanes of each predicate that were written.</summary>
    public uint[] WrittenPredicates { get; }

    /// <summary>The lanes of a row.</summary>
    public Span<uint> Row(int row) => Words.AsSpan(row * Lanes, Lanes);

    /// <summary>The lanes of a register of 64 bits.</summary>
    public Span<ulong> Long(int register) => Longs.AsSpan(register * Lanes, Lanes);

    /// <summary>Throws unless lanes of a row were written.</summary>
    public void RequireRow(int row, uint mask)
    {
        if ((WrittenRows[row] & mask) != mask)
            throw Unwritten(WrittenRows[row], mask);
    }

    /// <summary>Throws unless lanes of a register of 64 bits were written.</summary>
    public void RequireLong(int register, uint mask)
    {
        if ((WrittenLongs[register] & mask) != mask)
            throw Unwritten(WrittenLongs[register], mask);
    }

    /// <summary>Throws unless lanes of a predicate were written.</summary>
    public void RequirePredicate(int predicate, uint mask)
    {
        if ((WrittenPredicates[predicate] & mask) != mask)
            throw Unwritten(WrittenPredicates[predicate], mask);
    }

    /// <summary>Throws unless all threads run the current instruction.</summary>
    public void RequireAllLanes(uint mask)
    {
        if (mask != AllLanes)
            throw Finding(FindingKind.Divergence, $"only the lanes {mask:X8} take part");
    }

    /// <summary>Runs to the next barrier of the block, or to the end.</summary>
    public void RunToBarrier()
    {
        Instruction[] code = Block.Program.Code;
        while (true)
        {
            Instruction instruction = _current = code[_next++];
            instruction.Executions++;
            _left--;
            uint mask = instruction.MaskFor(this);
            switch (instruction.Flow)
            {
                case FlowKind.None:
                    if (mask != 0)
                        instruction.Run(this, mask);
                    continue;
                case FlowKind.Barrier:
                    RequireAllLanes(mask);
                    return;
                default:
                    if (mask is not (0 or AllLanes))
                        throw Finding(FindingKind.Divergence, $"only the lanes {mask:X8} branch");
                    if (mask == 0)
                        continue;
                    if (instruction.Flow == FlowKind.Return)
                    {
                        IsDone = true;
                        return;
                    }
                    // Without branches, every kernel ends.
                    if (_left < 0)
                    {
                        throw Finding(
                            FindingKind.Endless,
                            $"more than {Block.Device.MaxInstructionsOfWarp:N0} instructions, and no end");
                    }
                    _next = instruction.Target;
                    continue;
            }
        }
    }

    /// <summary>Begins an asynchronous copy of a lane.</summary>
    public void BeginCopy(int lane, uint target, byte[] data)
    {
        Block.Shared.BeginCopy(this, lane, target, data.Length);
        _copies.Add(new PendingCopy(_copyGroup, lane, target, data));
    }

    /// <summary>Ends a group of asynchronous copies.</summary>
    public void CommitCopies() => _copyGroup++;

    /// <summary>Waits for copies, all but those of the last groups.</summary>
    public void WaitForCopies(int groupsLeft)
    {
        int end = _copyGroup - groupsLeft;
        foreach (PendingCopy copy in _copies.Where(copy => copy.Group < end))
            Block.Shared.EndCopy(this, copy.Lane, copy.Target, copy.Data);
        _copies.RemoveAll(copy => copy.Group < end);
    }

    /// <summary>A defect at the current instruction.</summary>
    public EmulationException Finding(FindingKind kind, string what) => new(
        kind,
        $"{what}; line {_current?.Line}, '{_current?.Text}', of {Block.Program.Name}, "
        + $"block ({Block.X}, {Block.Y}), warp {Index}");

    private void SetRow(int row, Func<int, uint> value)
    {
        for (int lane = 0; lane < Lanes; lane++)
            Words[(row * Lanes) + lane] = value(lane);
        WrittenRows[row] = AllLanes;
    }

    private EmulationException Unwritten(uint written, uint mask) => Finding(
        FindingKind.Uninitialized, $"lanes {mask & ~written:X8} of a register were never written");
}
