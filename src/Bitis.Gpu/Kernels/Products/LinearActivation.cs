namespace Bitis.Gpu.Kernels.Products;

/// <summary>What is computed of each output of a linear layer.</summary>
internal enum LinearActivation
{
    /// <summary>The output itself.</summary>
    None,

    /// <summary>GELU in its exact form.</summary>
    Gelu,
}
