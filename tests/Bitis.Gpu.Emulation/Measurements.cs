namespace Bitis.Gpu.Emulation;

/// <summary>What launches did, for budgets.</summary>
internal sealed class Measurements
{
    /// <summary>How often warps ran each instruction, by opcode.</summary>
    public SortedDictionary<string, long> Instructions { get; } = new(StringComparer.Ordinal);

    /// <summary>The launches.</summary>
    public int Launches { get; set; }

    /// <summary>The bytes of global memory that launches read, each byte once for a launch.</summary>
    public long BytesRead { get; set; }

    /// <summary>The bytes of global memory that launches wrote, each byte once for a launch.</summary>
    public long BytesWritten { get; set; }

    /// <summary>The passes through shared memory.</summary>
    public long SharedPasses { get; set; }

    /// <summary>The passes through shared memory if no two addresses shared a bank.</summary>
    public long IdealSharedPasses { get; set; }

    /// <summary>The sectors of 32 bytes that went to or from global memory.</summary>
    public long GlobalSectors { get; set; }

    /// <summary>The sectors if the bytes of each instruction were neighbours.</summary>
    public long IdealGlobalSectors { get; set; }

    /// <summary>All instructions of warps.</summary>
    public long Total => Instructions.Values.Sum();

    /// <summary>The instructions whose opcodes begin with a text.</summary>
    public long Count(string prefix) =>
        Instructions.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal)).Sum(pair => pair.Value);
}
