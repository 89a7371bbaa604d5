using System.Runtime.CompilerServices;
using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Kernels;

/// <summary>Operands that some shapes of a kernel need.</summary>
internal static class RequiredBuffer
{
    /// <summary>The operand.</summary>
    /// <param name="buffer">The operand; null if the caller gave none.</param>
    /// <param name="name">Its name, for the message.</param>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static GpuBuffer Of(GpuBuffer? buffer, [CallerArgumentExpression(nameof(buffer))] string name = "") =>
        buffer ?? throw new ArgumentException($"The kernel needs {name}.", name);
}
