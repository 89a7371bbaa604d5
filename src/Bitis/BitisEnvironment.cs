using Bitis.Kernels.Dispatch;
using Bitis.Tensors;

namespace Bitis;

/// <summary>
/// The environment variables that change how Bitis computes: for tests, and for those who compare machines.
/// </summary>
internal static class BitisEnvironment
{
    /// <summary>
    /// Reads <c>BITIS_ISA</c>, <c>BITIS_KERNEL</c> and <c>BITIS_GUARD</c> now, instead of when something needs them
    /// first.
    /// </summary>
    /// <exception cref="BitisException">
    /// The value of one means nothing; the message says which values there are.
    /// </exception>
    public static void Validate()
    {
        _ = GuardedMemory.Mode;
        _ = InstructionSets.Current;
        _ = KernelTables.Forced;
    }
}
