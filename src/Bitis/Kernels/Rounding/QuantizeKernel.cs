using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Rounding;

/// <summary>A form of the quantization of activations; see <see cref="Quantize"/>.</summary>
internal sealed unsafe class QuantizeKernel(
    InstructionSet instructionSet, delegate*<in QuantizeCall, int, int, void> run)
    : Kernel("f32u8-quantize", tile: null, instructionSet)
{
    /// <summary>The arguments of <see cref="Quantize.Run"/>.</summary>
    public delegate*<in QuantizeCall, int, int, void> Run { get; } = run;
}
