using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Devices;

/// <summary>A value for a parameter of a kernel.</summary>
/// <param name="Kind">The type.</param>
/// <param name="Bits">The value.</param>
internal readonly record struct GpuArgument(ParameterKind Kind, ulong Bits)
{
    /// <summary>The address of memory.</summary>
    public static implicit operator GpuArgument(GpuBuffer buffer) => new(ParameterKind.Pointer, buffer.Address);

    /// <summary>An address within memory.</summary>
    /// <param name="buffer">The memory.</param>
    /// <param name="offset">Bytes behind its first one.</param>
    public static GpuArgument At(GpuBuffer buffer, long offset) => offset >= 0 && offset < buffer.Bytes
        ? new GpuArgument(ParameterKind.Pointer, buffer.Address + (ulong)offset)
        : throw new ArgumentOutOfRangeException(nameof(offset));

    /// <summary>The address behind some bytes.</summary>
    public GpuArgument Behind(long bytes) => this with { Bits = Bits + (ulong)bytes };

    /// <summary>An integer.</summary>
    public static implicit operator GpuArgument(int value) => new(ParameterKind.Integer, (uint)value);
}
