namespace Bitis.Execution.LowBit;

/// <summary>
/// A method of the backward pass of linear and convolutional layers: how its two products are computed.
/// </summary>
/// <param name="Name">As recipes and the command line write it.</param>
/// <param name="Input">x̄ = ȳ·W, the gradient of the layer's input.</param>
/// <param name="Weight">W̄ = ȳᵀ·x, the gradient of its weights, and thereby how x is kept.</param>
/// <param name="Rank">How many of 16 coefficients are kept, if the policy has no rank.</param>
internal sealed record BackwardMethod(
    string Name, GradientArithmetic Input, GradientArithmetic Weight, int Rank = BackwardMethod.PaperRank)
{
    /// <summary>The paper's number of coefficients that are kept of 16.</summary>
    public const int PaperRank = 8;

    /// <summary>Whether both products are exact.</summary>
    public bool IsExact => Input.IsExact && Weight.IsExact;
}
