using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Rounding;

/// <summary>A form of <see cref="QuantizedMap"/>.</summary>
internal sealed unsafe class QuantizedMapKernel(
    InstructionSet instructionSet,
    delegate*<float*, int, int, byte*, void> write,
    delegate*<byte*, int, int, float*, void> read)
    : Kernel("f32s8-map", tile: null, instructionSet)
{
    /// <summary>The arguments of <see cref="QuantizedMap.Write(float*, int, int, byte*)"/>.</summary>
    public delegate*<float*, int, int, byte*, void> Write { get; } = write;

    /// <summary>The arguments of <see cref="QuantizedMap.Read(byte*, int, int, float*)"/>.</summary>
    public delegate*<byte*, int, int, float*, void> Read { get; } = read;
}
