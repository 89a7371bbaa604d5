namespace Bitis.Gpu.Kernels.Elementwise;

/// <summary>What is computed of the elements of one value or two.</summary>
internal enum ElementOperation
{
    /// <summary>The element, perhaps of another row, or in another form.</summary>
    Copy,

    /// <summary>a·factor.</summary>
    Scale,

    /// <summary>max(a, 0).</summary>
    Relu,

    /// <summary>GELU in its exact form.</summary>
    Gelu,

    /// <summary>a/(1 + e⁻ᵃ).</summary>
    Silu,

    /// <summary>1/(1 + e⁻ᵃ).</summary>
    Sigmoid,

    /// <summary>a + b.</summary>
    Add,

    /// <summary>a·b.</summary>
    Multiply,

    /// <summary>a·factor·SiLU(b): the gate of a block.</summary>
    Gate,

    /// <summary>a·cos + a′·sin, where a′ is the other element of a pair: rotary positions.</summary>
    Rotate,
}
