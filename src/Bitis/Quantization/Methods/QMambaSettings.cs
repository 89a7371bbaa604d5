using Bitis.Quantization.Recipes;

namespace Bitis.Quantization.Methods;

/// <summary>The settings of the method <c>qmamba</c>.</summary>
internal sealed record QMambaSettings : MethodSettings
{
    /// <summary>How scales are learned, block by block.</summary>
    public LearningRecipe Learning { get; init; } = new();

    /// <inheritdoc />
    public override void Validate() => Learning.Validate();
}
