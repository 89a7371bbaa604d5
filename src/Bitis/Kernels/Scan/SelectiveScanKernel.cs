using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Scan;

/// <summary>A form of the selective scan; see <see cref="SelectiveScan"/>.</summary>
internal sealed unsafe class SelectiveScanKernel(
    InstructionSet instructionSet, delegate*<in SelectiveScanCall, int, int, void> run)
    : Kernel("f32-scan", tile: null, instructionSet)
{
    /// <summary>The arguments of <see cref="SelectiveScan.Run"/>.</summary>
    public delegate*<in SelectiveScanCall, int, int, void> Run { get; } = run;
}
