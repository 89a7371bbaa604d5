namespace Bitis.Kernels.Normalization;

/// <summary>The operands of a <see cref="GroupNormalizationGradient"/>.</summary>
internal unsafe struct GroupNormalizationGradientCall
{
    /// <summary>The operands of the forward pass, whose statistics are there; its output is not read.</summary>
    public GroupNormalizationCall Forward;

    /// <summary>The gradients; that of the source may be added to what is there.</summary>
    public LayerGradients Gradients;

    /// <summary>Scratch memory, <c>[2, columns]</c>.</summary>
    public float* Sums;
}
