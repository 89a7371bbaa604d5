using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Scan;

/// <summary>A form of the integer scan; see <see cref="IntegerScan"/>.</summary>
internal sealed unsafe class IntegerScanKernel(
    InstructionSet instructionSet, delegate*<PackedScan, in IntegerScanCall, int, int, void> run)
    : Kernel("i16-scan", tile: null, instructionSet)
{
    /// <summary>The arguments of <see cref="IntegerScan.Run"/>.</summary>
    public delegate*<PackedScan, in IntegerScanCall, int, int, void> Run { get; } = run;
}
