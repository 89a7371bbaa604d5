namespace Bitis.Kernels.Scan;

/// <summary>The operands of a <see cref="SelectiveScanGradient"/>.</summary>
/// <remarks>
/// Gradients of values overwrite their target, or add to it where a flag says so; gradients of parameters always add.
/// </remarks>
internal unsafe struct SelectiveScanGradientCall
{
    /// <summary>The operands of the forward scan.</summary>
    /// <remarks>
    /// <see cref="SelectiveScanCall.Checkpoints"/> is required. The gate z is not supported, and the output is not
    /// read.
    /// </remarks>
    public SelectiveScanCall Forward;

    /// <summary>E.</summary>
    public int Channels;

    /// <summary>Scratch memory, <see cref="SelectiveScanGradient.ScratchLength"/> elements.</summary>
    public float* Scratch;

    /// <summary>The gradients of values.</summary>
    public ScanGradients Gradients;

    /// <summary>
    /// ∂L/∂A <c>[N, E]</c>, A itself and not the packed form; rows at the distance of the forward's A.
    /// </summary>
    /// <remarks>Null if it is not needed.</remarks>
    public float* AGradient;

    /// <summary>∂L/∂D <c>[E]</c>; null if it is not needed.</summary>
    public float* DGradient;
}
