using Bitis.Gpu.Emulation.Instructions;

namespace Bitis.Gpu.Emulation;

/// <summary>A decoded kernel.</summary>
internal sealed class PtxProgram
{
    /// <summary>The name of the entry.</summary>
    public required string Name { get; init; }

    /// <summary>The threads of a block.</summary>
    public required int Threads { get; init; }

    /// <summary>The shared memory of a block.</summary>
    public required int SharedBytes { get; init; }

    /// <summary>The instructions; the last one returns.</summary>
    public required Instruction[] Code { get; init; }

    /// <summary>Rows of 32 lanes: registers of 32 and 16 bits, constants and special registers.</summary>
    public required int Rows { get; init; }

    /// <summary>Registers of 64 bits.</summary>
    public required int Longs { get; init; }

    /// <summary>Predicates.</summary>
    public required int Predicates { get; init; }

    /// <summary>The rows of constants.</summary>
    public required IReadOnlyList<(int Row, uint Value)> Constants { get; init; }

    /// <summary>The rows of special registers.</summary>
    public required IReadOnlyList<(int Row, string Name)> Specials { get; init; }

    /// <summary>Adds what warps have run since the last call.</summary>
    public void AddExecutions(IDictionary<string, long> counts)
    {
        foreach (Instruction instruction in Code)
        {
            counts.TryGetValue(instruction.Opcode, out long before);
            counts[instruction.Opcode] = before + instruction.Executions;
            instruction.Executions = 0;
        }
    }
}
