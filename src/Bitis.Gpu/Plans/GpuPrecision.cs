namespace Bitis.Gpu.Plans;

/// <summary>What a plan of a float model keeps between its kernels.</summary>
internal enum GpuPrecision
{
    /// <summary>Float32.</summary>
    Floats,

    /// <summary>Float16, and weights of products in float16, too.</summary>
    /// <remarks>
    /// Float32 are the residual stream, all arithmetic within kernels, and what scans read again and again: Δ before
    /// its projection, B and C, and the states.
    /// </remarks>
    Halves,
}
