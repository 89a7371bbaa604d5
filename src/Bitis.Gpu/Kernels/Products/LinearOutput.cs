namespace Bitis.Gpu.Kernels.Products;

/// <summary>What a linear layer writes.</summary>
internal enum LinearOutput
{
    /// <summary>Float32.</summary>
    Floats,

    /// <summary>Float32 that is added to what is there: the residual stream.</summary>
    Sums,

    /// <summary>Float16.</summary>
    Halves,

    /// <summary>The levels that the next layer reads.</summary>
    Levels,
}
