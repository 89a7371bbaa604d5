namespace Bitis.Gpu.Plans;

/// <summary>What a plan keeps between its kernels where it does not keep levels.</summary>
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

    /// <summary>As <see cref="Halves"/>, and states of scans in float16, if their number is even.</summary>
    HalfStates,
}
