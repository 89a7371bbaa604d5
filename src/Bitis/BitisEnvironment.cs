using Bitis.Kernels.Dispatch;
using Bitis.Tensors;

namespace Bitis;

/// <summary>The environment variables that change how Bitis computes, for tests and for comparing machines.</summary>
internal static class BitisEnvironment
{
    /// <summary>
    /// Reads and checks <c>BITIS_ISA</c>, <c>BITIS_KERNEL</c> and <c>BITIS_GUARD</c> before anything needs them.
    /// </summary>
    /// <exception cref="BitisException">A value is invalid; the message lists the valid ones.</exception>
    public static void Validate()
    {
        _ = GuardedMemory.Mode;
        _ = InstructionSets.Current;
        _ = KernelTables.Forced;
    }
}
