namespace Bitis.Gpu.Kernels.Elementwise;

/// <summary>A value whose elements are read.</summary>
/// <param name="Rows">Its rows in an image.</param>
/// <param name="Stride">The distance of rows in elements.</param>
/// <param name="IsHalf">Whether it is float16; else float32.</param>
/// <param name="HasMap">Whether a table says which row is read for a row of the output, −1 for zeros.</param>
internal sealed record ElementTerm(int Rows, int Stride, bool IsHalf = false, bool HasMap = false);
