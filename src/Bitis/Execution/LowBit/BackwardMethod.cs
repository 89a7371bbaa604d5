namespace Bitis.Execution.LowBit;

/// <summary>
/// A method of the backward pass of linear and convolutional layers: how its two products are computed.
/// </summary>
/// <param name="Name">As recipes and the command line write it.</param>
/// <param name="Input">x̄ = ȳ·W, the gradient of the layer's input.</param>
/// <param name="Weight">W̄ = ȳᵀ·x, the gradient of its weights, and thereby how x is kept.</param>
/// <param name="LinearRank">
/// How many coefficients of 16 are kept of a linear layer's tokens, if they are reduced, and unless the policy says.
/// </param>
internal sealed record BackwardMethod(
    string Name, GradientArithmetic Input, GradientArithmetic Weight, int LinearRank = BackwardMethod.UsualRank)
{
    /// <summary>How many coefficients of 16 are kept, unless something else is said: the paper's.</summary>
    public const int UsualRank = 8;

    /// <summary>Whether both products are those of the formula.</summary>
    public bool IsExact => Input.IsExact && Weight.IsExact;
}
