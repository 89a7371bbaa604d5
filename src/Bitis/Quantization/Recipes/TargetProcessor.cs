using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;

namespace Bitis.Quantization.Recipes;

/// <summary>The processors that models are quantized for, and which bits of weights are fast there.</summary>
internal sealed record TargetProcessor
{
    /// <summary>The name for the machine at hand, with the instruction sets that are in use.</summary>
    public const string Auto = "auto";

    /// <summary>The name for all ARM processors.</summary>
    private const string Arm = "arm64";

    private static readonly InstructionSet[] NamedSets =
        [InstructionSet.Avx2, InstructionSet.AvxVnni, InstructionSet.Avx512, InstructionSet.Avx512Vnni];

    private readonly bool _hasFasterPairs;

    private TargetProcessor(string name, bool hasFasterPairs) => (Name, _hasFasterPairs) = (name, hasFasterPairs);

    /// <summary>The names of all targets: those of instruction sets, arm64 and auto.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. NamedSets.Select(InstructionSets.NameOf), Arm, Auto];

    /// <summary>The target's name.</summary>
    public string Name { get; }

    /// <summary>The bits to use where none are given: w8a8, or w7a8 where that is faster.</summary>
    /// <remarks>
    /// Where bytes have no dot product, products of 7-bit weights are added in 16 bits. Those of 8 bits do not fit.
    /// </remarks>
    public BitWidths Bits => new(_hasFasterPairs ? Int8Gemm.PairBits : 8, 8);

    /// <summary>Finds a target by its name.</summary>
    /// <exception cref="BitisException">There is none of that name.</exception>
    public static TargetProcessor Find(string name)
    {
        // BITIS_ISA may hide a machine's dot product.
        if (name == Auto)
            return new(name, Int8Gemm.PairTable.Best.UsesRuns);
        if (name == Arm)
            return new(name, hasFasterPairs: false);
        foreach (InstructionSet set in NamedSets.Where(set => InstructionSets.NameOf(set) == name))
            return new(name, Int8Gemm.PairTable.Rows.Single(row => row.InstructionSet == set).UsesRuns);
        throw new BitisException($"There is no target '{name}'; the targets are {string.Join(", ", Names)}.");
    }

    /// <summary>Says which bits would be faster than some; null if none would.</summary>
    public string? NoteOn(BitWidths bits)
    {
        if (bits.Weights != 8 || bits.Activations == BitWidths.Float || Bits.Weights == bits.Weights)
            return null;
        return $"{bits with { Weights = Bits.Weights }} is faster than {bits} on {Name}, which has no dot product of "
            + "8-bit numbers.";
    }
}
