namespace Bitis.Runtime.Kernels;

/// <summary>
/// The operands of a <see cref="SelectiveScanGradient"/>. Gradients of values overwrite their target, or add to it where
/// a flag says so; gradients of parameters always add.
/// </summary>
internal unsafe struct SelectiveScanGradientCall
{
    /// <summary>
    /// The operands of the forward scan; <see cref="SelectiveScanCall.Checkpoints"/> is required, the gate z is not
    /// supported, and the output is not read.
    /// </summary>
    public SelectiveScanCall Forward;

    /// <summary>∂L/∂y <c>[L, E]</c>.</summary>
    public float* OutputGradient;

    /// <summary>The distance of rows of <see cref="OutputGradient"/>.</summary>
    public nint OutputGradientStride;

    /// <summary>∂L/∂u <c>[L, E]</c>.</summary>
    public float* UGradient;

    /// <summary>The distance of rows of <see cref="UGradient"/>.</summary>
    public nint UGradientStride;

    /// <summary>Add to what <see cref="UGradient"/> holds.</summary>
    public bool AccumulateU;

    /// <summary>∂L/∂Δ <c>[L, E]</c>, of Δ before the softplus if the forward applies it.</summary>
    public float* DeltaGradient;

    /// <summary>The distance of rows of <see cref="DeltaGradient"/>.</summary>
    public nint DeltaGradientStride;

    /// <summary>∂L/∂B <c>[L, N]</c>.</summary>
    public float* BGradient;

    /// <summary>The distance of rows of <see cref="BGradient"/>.</summary>
    public nint BGradientStride;

    /// <summary>∂L/∂C <c>[L, N]</c>.</summary>
    public float* CGradient;

    /// <summary>The distance of rows of <see cref="CGradient"/>.</summary>
    public nint CGradientStride;

    /// <summary>∂L/∂A <c>[N, E]</c>, A itself and not the packed form; rows at the distance of the forward's A. Null where nobody needs it.</summary>
    public float* AGradient;

    /// <summary>∂L/∂D <c>[E]</c>; null where nobody needs it.</summary>
    public float* DGradient;
}
