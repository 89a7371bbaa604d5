using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Scan;

/// <summary>A form of the backward pass of the integer scan; see <see cref="IntegerScanGradient"/>.</summary>
internal sealed unsafe class IntegerScanGradientKernel(
    InstructionSet instructionSet, delegate*<ScanGradientTables, in IntegerScanGradientCall, float*, void> run)
    : Kernel("i16-scan-gradient", tile: null, instructionSet)
{
    /// <summary>The arguments of <see cref="IntegerScanGradient.Run"/>.</summary>
    public delegate*<ScanGradientTables, in IntegerScanGradientCall, float*, void> Run { get; } = run;
}
