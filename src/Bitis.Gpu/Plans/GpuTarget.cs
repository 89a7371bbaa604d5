using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels;

namespace Bitis.Gpu.Plans;

/// <summary>Where a kernel writes a value: floats, or the levels that the only reader wants.</summary>
/// <param name="Values">The floats; null for levels.</param>
/// <param name="Levels">The levels; null for floats.</param>
/// <param name="Shape">What the levels depend on.</param>
/// <param name="Operands">The parameters of the levels.</param>
internal sealed record GpuTarget(GpuMatrix? Values, GpuLevels? Levels, LevelShape? Shape, LevelOperands? Operands)
{
    /// <summary>Floats.</summary>
    public static GpuTarget Of(GpuMatrix values) => new(values, null, null, null);

    /// <summary>The memory.</summary>
    public GpuBuffer Buffer => Values?.Buffer ?? Levels!.Buffer;

    /// <summary>The first element as an argument.</summary>
    public GpuArgument Argument => Values?.Argument ?? Levels!.Argument;

    /// <summary>The distance of rows in elements.</summary>
    public int Stride => Values?.Stride ?? Levels!.Stride;

    /// <summary>Whether floats are float16.</summary>
    public bool IsHalves => Values is { IsHalves: true };
}
