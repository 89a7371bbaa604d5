using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;

namespace Bitis.Kernels.Convolution;

/// <summary>A form of <see cref="GridConv"/>.</summary>
internal sealed unsafe class GridConvKernel(
    int places, int outputs, InstructionSet instructionSet, delegate*<in GridConvCall, int, int, void> run)
    : Kernel("f32-gridconv", $"{places}x{outputs}", instructionSet)
{
    /// <summary>The form of the matrix product for which weights are packed.</summary>
    public FloatGemmKernel Packing => FloatGemm.Table.Rows.Single(row => row.InstructionSet == InstructionSet);

    /// <summary>
    /// Computes the places from <paramref name="start"/> to before <paramref name="end"/>. The weights must be packed
    /// for <see cref="Packing"/>.
    /// </summary>
    public void Run(in GridConvCall call, int start, int end) => run(in call, start, end);
}
