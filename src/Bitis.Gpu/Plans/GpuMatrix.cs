using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Plans;

/// <summary>A value of floats on a device: rows of each image, image after image.</summary>
/// <param name="Buffer">The memory.</param>
/// <param name="Start">The first element.</param>
/// <param name="Rows">The rows of an image.</param>
/// <param name="Columns">The length of a row.</param>
/// <param name="Stride">The distance of rows in elements.</param>
internal sealed record GpuMatrix(GpuBuffer Buffer, int Start, int Rows, int Columns, int Stride)
{
    /// <summary>Whether elements are float16; else float32.</summary>
    public bool IsHalves { get; init; }

    /// <summary>Whether rows lie in the opposite order.</summary>
    public bool IsReversed { get; init; }

    /// <summary>The bytes of an element.</summary>
    public int ElementBytes => IsHalves ? sizeof(ushort) : sizeof(float);

    /// <summary>The first element as an argument.</summary>
    public GpuArgument Argument => GpuArgument.At(Buffer, (long)Start * ElementBytes);

    /// <summary>One row of each image.</summary>
    public GpuMatrix Row(int row) => this with
    {
        Start = Start + ((IsReversed ? Rows - 1 - row : row) * Stride),
        Rows = 1,
        Stride = Rows * Stride,
        IsReversed = false,
    };

    /// <summary>Some columns.</summary>
    public GpuMatrix Slice(int start, int length) => this with { Start = Start + start, Columns = length };
}
