namespace Bitis;

/// <summary>What a GPU computes in where a model has no levels.</summary>
public enum FloatPrecision
{
    /// <summary>Float32, as on the CPU.</summary>
    Float32,

    /// <summary>Float16 for weights and for values between kernels. Sums and states are float32.</summary>
    Float16,

    /// <summary>As <see cref="Float16"/>, and states of scans are float16 if their number is even.</summary>
    /// <remarks>This is the fastest precision, and the least exact one.</remarks>
    Float16States,
}
