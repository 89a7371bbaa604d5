namespace Bitis.Gpu.Kernels.Products;

/// <summary>What a linear layer multiplies.</summary>
internal enum LinearNumbers
{
    /// <summary>Float32 times float32.</summary>
    Floats,

    /// <summary>Float16 times float16, with float32 sums.</summary>
    Halves,

    /// <summary>Unsigned levels times signed levels, with exact sums.</summary>
    Levels,
}
