namespace Bitis.Runtime.Kernels;

/// <summary>The operands of a <see cref="GroupNormalizationGradient"/>. Gradients of parameters add to their target.</summary>
internal unsafe struct GroupNormalizationGradientCall
{
    /// <summary>The operands of the forward pass, whose statistics are there; its output is not read.</summary>
    public GroupNormalizationCall Forward;

    /// <summary>∂L/∂y.</summary>
    public float* OutputGradient;

    /// <summary>The distance of rows of <see cref="OutputGradient"/>.</summary>
    public nint OutputGradientStride;

    /// <summary>∂L/∂x.</summary>
    public float* SourceGradient;

    /// <summary>The distance of rows of <see cref="SourceGradient"/>.</summary>
    public nint SourceGradientStride;

    /// <summary>Add to what <see cref="SourceGradient"/> holds.</summary>
    public bool AccumulateSource;

    /// <summary>∂L/∂w <c>[columns]</c>.</summary>
    public float* WeightGradient;

    /// <summary>∂L/∂b <c>[columns]</c>.</summary>
    public float* BiasGradient;

    /// <summary>Scratch memory, <c>[2, columns]</c>.</summary>
    public float* Sums;
}
