namespace Bitis.Gpu.Kernels.Norms;

/// <summary>One of the values whose sum is normalized.</summary>
/// <param name="Stride">The distance of its rows in elements.</param>
/// <param name="IsHalf">Whether it is float16; else float32.</param>
internal sealed record NormTerm(int Stride, bool IsHalf = false)
{
    /// <summary>The elements of its buffer before the first one, which say where pairs may be read at once.</summary>
    public int Start { get; init; }
}
