using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Bitis.Kernels.Gemm;

namespace Bitis.Kernels.Dispatch;

/// <summary>The instruction sets that this machine has and the environment variable <c>BITIS_ISA</c> allows.</summary>
internal static class InstructionSets
{
    /// <summary>The environment variable that limits the instruction sets: <c>portable</c>, <c>avx2</c> ...</summary>
    public const string Variable = "BITIS_ISA";

    private static readonly Lazy<InstructionSet> LazyCurrent =
        new(() => Choose(Environment.GetEnvironmentVariable(Variable)), LazyThreadSafetyMode.PublicationOnly);

    /// <summary>The instruction sets of the processor and the .NET runtime, in ascending order.</summary>
    public static IReadOnlyList<InstructionSet> Detected { get; } =
        [.. Enum.GetValues<InstructionSet>().Where(IsSupported)];

    /// <summary>
    /// The largest instruction set in use: the best one detected, or the one that <c>BITIS_ISA</c> names.
    /// </summary>
    /// <exception cref="BitisException">The variable's value is unknown, or this machine does not have it.</exception>
    public static InstructionSet Current => LazyCurrent.Value;

    /// <summary>
    /// Whether loops outside of kernel tables may use vectors of 512 bits, by machine and <c>BITIS_ISA</c>.
    /// </summary>
    internal static bool Has512 => Vector512.IsHardwareAccelerated && Current >= InstructionSet.Avx512;

    /// <summary>The name that <c>BITIS_ISA</c> and kernel names use: <c>avxvnni</c>.</summary>
    public static string NameOf(InstructionSet instructionSet) => instructionSet switch
    {
        InstructionSet.Portable => "portable",
        InstructionSet.Avx2 => "avx2",
        InstructionSet.AvxVnni => "avxvnni",
        InstructionSet.Avx512 => "avx512",
        InstructionSet.Avx512Vbmi => "avx512vbmi",
        InstructionSet.Avx512Vnni => "avx512vnni",
        InstructionSet.AdvSimd => "arm64",
        InstructionSet.AdvSimdDp => "arm64dp",
        _ => throw new ArgumentOutOfRangeException(nameof(instructionSet)),
    };

    /// <summary>Whether this machine can run code for an instruction set.</summary>
    internal static bool IsSupported(InstructionSet instructionSet) => instructionSet switch
    {
        InstructionSet.Portable => true,
        InstructionSet.Avx2 => Avx2.IsSupported && Fma.IsSupported,
        InstructionSet.AvxVnni => AvxVnni.IsSupported && Avx2.IsSupported && Fma.IsSupported,
        InstructionSet.Avx512 => Avx512F.VL.IsSupported && Avx512BW.VL.IsSupported && Avx512DQ.VL.IsSupported,
        InstructionSet.Avx512Vbmi => IsSupported(InstructionSet.Avx512) && Avx512Vbmi.IsSupported,
        InstructionSet.Avx512Vnni => IsSupported(InstructionSet.Avx512) && Int8GemmVnni.IsSupported,
        InstructionSet.AdvSimd => AdvSimd.Arm64.IsSupported,
        InstructionSet.AdvSimdDp => AdvSimd.Arm64.IsSupported && Dp.Arm64.IsSupported,
        _ => false,
    };

    /// <summary>The instruction set for a value of <c>BITIS_ISA</c>; null or empty means the best one.</summary>
    internal static InstructionSet Choose(string? value)
    {
        if (string.IsNullOrWhiteSpace(value))
            return Detected[^1];
        foreach (InstructionSet candidate in Enum.GetValues<InstructionSet>())
        {
            if (!value.Trim().Equals(NameOf(candidate), StringComparison.OrdinalIgnoreCase))
                continue;
            return IsSupported(candidate) ? candidate : throw Refuse(value, "is not available here");
        }
        throw Refuse(value, "is not the name of an instruction set");
    }

    private static BitisException Refuse(string value, string problem) => new(
        $"{Variable}={value}: {problem}. Valid names: {Names(Enum.GetValues<InstructionSet>())}. " +
        $"This machine has: {Names(Detected)}.");

    private static string Names(IEnumerable<InstructionSet> instructionSets) =>
        string.Join(", ", instructionSets.Select(NameOf));
}
