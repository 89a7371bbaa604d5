using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Plans;

/// <summary>The levels of a value on a device: rows of each image, image after image.</summary>
/// <param name="Buffer">The memory.</param>
/// <param name="Start">The first byte.</param>
/// <param name="Rows">The rows of an image.</param>
/// <param name="Columns">The length of a row.</param>
/// <param name="Stride">The distance of rows in bytes.</param>
internal sealed record GpuLevels(GpuBuffer Buffer, int Start, int Rows, int Columns, int Stride)
{
    /// <summary>The first level as an argument.</summary>
    public GpuArgument Argument => GpuArgument.At(Buffer, Start);

    /// <summary>One row of each image.</summary>
    public GpuLevels Row(int row) => this with { Start = Start + (row * Stride), Rows = 1, Stride = Rows * Stride };
}
