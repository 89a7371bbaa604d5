using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Rounding;

namespace Bitis.Kernels.Hadamard;

/// <summary>A form of the transform and quantization of rows; see <see cref="HadamardRows"/>.</summary>
internal sealed unsafe class HadamardRowsKernel(
    InstructionSet instructionSet,
    delegate*<in HadamardRowsCall, int, float*, void> run,
    delegate*<in HadamardRowsCall, int, float*, void> transform,
    delegate*<in HadamardRowsCall, int, float*, void> quantize)
    : Kernel("f32u8-hadamard-rows", tile: null, instructionSet)
{
    /// <summary>The arguments of <see cref="HadamardRows.Run"/>.</summary>
    public delegate*<in HadamardRowsCall, int, float*, void> Run { get; } = run;

    /// <summary>The arguments of <see cref="HadamardRows.Transform"/>.</summary>
    public delegate*<in HadamardRowsCall, int, float*, void> Transform { get; } = transform;

    /// <summary>The arguments of <see cref="HadamardRows.Quantize"/>.</summary>
    public delegate*<in HadamardRowsCall, int, float*, void> Quantize { get; } = quantize;
}
