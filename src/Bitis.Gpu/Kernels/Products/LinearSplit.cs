namespace Bitis.Gpu.Kernels.Products;

/// <summary>Outputs of which the first ones become levels with a scale for each column; others stay floats.</summary>
/// <remarks>They are x and z of a Vim block: a quantized convolution reads x, and the gate z.</remarks>
/// <param name="Columns">The outputs that become levels, an even number.</param>
/// <param name="RestStride">The distance of rows of the others in elements, an even number.</param>
/// <param name="RestIsHalf">Whether the others are float16; else float32.</param>
internal sealed record LinearSplit(int Columns, int RestStride, bool RestIsHalf)
{
    /// <summary>The bytes of one of the others.</summary>
    public int RestBytes => RestIsHalf ? sizeof(ushort) : sizeof(float);
}
