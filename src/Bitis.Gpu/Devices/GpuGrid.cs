namespace Bitis.Gpu.Devices;

/// <summary>The blocks of a launch.</summary>
/// <param name="X">Blocks along the first dimension, up to 2³¹ − 1.</param>
/// <param name="Y">Blocks along the second dimension, up to 65,535.</param>
internal readonly record struct GpuGrid(int X, int Y = 1)
{
    /// <summary>All blocks.</summary>
    public long Blocks => (long)X * Y;
}
