namespace Bitis.Kernels.Optimization;

/// <summary>The numbers of a step of AdamW, each rounded to float32 once.</summary>
/// <param name="GradientFactor">The factor of the gradients, which is applied first.</param>
/// <param name="Beta1">β₁.</param>
/// <param name="Rest1">1 − β₁.</param>
/// <param name="Beta2">β₂.</param>
/// <param name="Rest2">1 − β₂.</param>
/// <param name="Keep">1 − η·λ; 1 for parameters that do not decay.</param>
/// <param name="Rate">η / (1 − β₁ᵗ).</param>
/// <param name="RootCorrection">1 / √(1 − β₂ᵗ).</param>
/// <param name="Epsilon">ε.</param>
internal readonly record struct AdamWCoefficients(
    float GradientFactor,
    float Beta1,
    float Rest1,
    float Beta2,
    float Rest2,
    float Keep,
    float Rate,
    float RootCorrection,
    float Epsilon);
