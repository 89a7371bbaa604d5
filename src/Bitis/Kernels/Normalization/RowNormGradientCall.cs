namespace Bitis.Kernels.Normalization;

/// <summary>The operands of a <see cref="RowNormGradient"/>.</summary>
internal unsafe struct RowNormGradientCall
{
    /// <summary>The operands of the forward normalization, without a residual stream; its output is not read.</summary>
    public RowNormCall Forward;

    /// <summary>The gradients; that of the source may be added to what is there.</summary>
    public LayerGradients Gradients;
}
