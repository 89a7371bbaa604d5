using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Devices;

/// <summary>One launch of a kernel.</summary>
internal sealed class GpuLaunch
{
    /// <summary>Describes a launch.</summary>
    /// <param name="function">The kernel.</param>
    /// <param name="grid">The blocks.</param>
    /// <param name="arguments">A value for each parameter.</param>
    /// <exception cref="ArgumentException">
    /// The arguments are not those of the kernel, or there are too many blocks or none.
    /// </exception>
    public GpuLaunch(GpuFunction function, GpuGrid grid, params ReadOnlySpan<GpuArgument> arguments)
    {
        PtxKernel kernel = function.Kernel;
        bool fits = arguments.Length == kernel.Parameters.Count;
        for (int i = 0; fits && i < arguments.Length; i++)
            fits = arguments[i].Kind == kernel.Parameters[i];
        if (!fits)
        {
            throw new ArgumentException(
                $"'{kernel.Name}' takes {string.Join(", ", kernel.Parameters)}.", nameof(arguments));
        }

        if (grid.X < 1 || grid.Y is < 1 or > ushort.MaxValue)
            throw new ArgumentException($"There is no grid of {grid.X}×{grid.Y} blocks.", nameof(grid));
        Function = function;
        Grid = grid;
        Arguments = arguments.ToArray();
    }

    /// <summary>The kernel.</summary>
    public GpuFunction Function { get; }

    /// <summary>The blocks.</summary>
    public GpuGrid Grid { get; }

    /// <summary>A value for each parameter.</summary>
    public IReadOnlyList<GpuArgument> Arguments { get; }
}
