using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Devices;

/// <summary>A value for a parameter of a kernel.</summary>
/// <param name="Kind">The type.</param>
/// <param name="Bits">The value.</param>
internal readonly record struct GpuArgument(ParameterKind Kind, ulong Bits)
{
    /// <summary>The address of memory.</summary>
    public static implicit operator GpuArgument(GpuBuffer buffer) => new(ParameterKind.Pointer, buffer.Address);

    /// <summary>An integer.</summary>
    public static implicit operator GpuArgument(int value) => new(ParameterKind.Integer, (uint)value);
}
