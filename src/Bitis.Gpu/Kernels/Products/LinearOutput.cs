namespace Bitis.Gpu.Kernels.Products;

/// <summary>What a linear layer writes.</summary>
internal enum LinearOutput
{
    /// <summary>Float32.</summary>
    Floats,

    /// <summary>Float16.</summary>
    Halves,

    /// <summary>Levels for the next layer, a byte each.</summary>
    Levels,
}
