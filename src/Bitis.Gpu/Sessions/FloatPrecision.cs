namespace Bitis;

/// <summary>What a GPU computes a float model in.</summary>
public enum FloatPrecision
{
    /// <summary>Float32, as on the CPU.</summary>
    Float32,

    /// <summary>Float16 for weights and for values between kernels. Sums and states are float32.</summary>
    Float16,
}
