using Bitis.Quantization.Recipes;

namespace Bitis.Quantization.Methods;

/// <summary>
/// The settings of methods that smooth and learn: <c>qmamba+</c>, <c>ptq4vm+</c> and <c>ptq4vm+qmamba</c>.
/// </summary>
internal record SmoothedLearningSettings : MethodSettings
{
    /// <summary>The exponent α of <c>m_j = (max |x_j|)^α / (max |w_j|)^(1−α)</c>, from 0 to 1.</summary>
    public double Alpha { get; init; } = 0.5;

    /// <summary>Whether to smooth; false for comparison without smoothing.</summary>
    public bool Smoothing { get; init; } = true;

    /// <summary>How scales are learned, block by block.</summary>
    public LearningRecipe Learning { get; init; } = new();

    /// <inheritdoc />
    public override void Validate()
    {
        RequireAlpha(Alpha);
        Learning.Validate();
    }
}
