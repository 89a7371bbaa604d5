namespace Bitis.Kernels.Gemm;

/// <summary>The weights of a linear layer in the form that a kernel takes.</summary>
internal interface IPackedWeights : IDisposable
{
    /// <summary>The bytes that the weights and their constants take, padding included.</summary>
    long Bytes { get; }
}
