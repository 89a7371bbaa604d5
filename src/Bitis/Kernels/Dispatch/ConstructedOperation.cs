using System.Diagnostics;

namespace Bitis.Kernels.Dispatch;

/// <summary>An operation of which there is an object, for the compiler of Native AOT.</summary>
/// <remarks>
/// It fails (.NET 10) over an interface that has static members only, if no object of the program has the interface.
/// </remarks>
internal sealed class ConstructedOperation : ILanesOperation<Kernel>
{
    /// <inheritdoc />
    public static Kernel Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, Simd.ILanes<TLanes> => throw new UnreachableException();
}
