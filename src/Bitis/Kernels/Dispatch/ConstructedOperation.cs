using System.Diagnostics;

namespace Bitis.Kernels.Dispatch;

/// <summary>An object of an operation, which the compiler of Native AOT needs.</summary>
/// <remarks>
/// The compiler (.NET 10) fails on an interface with static members only, if no object of the program has this
/// interface.
/// </remarks>
internal sealed class ConstructedOperation : ILanesOperation<Kernel>
{
    /// <inheritdoc />
    public static Kernel Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, Simd.ILanes<TLanes> => throw new UnreachableException();
}
