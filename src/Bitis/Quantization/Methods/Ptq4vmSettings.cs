namespace Bitis.Quantization.Methods;

/// <summary>The settings of the method <c>ptq4vm</c>.</summary>
internal sealed record Ptq4vmSettings : SmoothedLearningSettings
{
    /// <summary>Whether to follow the authors' code where it differs from the paper (docs/ptq4vm.md).</summary>
    public bool Official { get; init; }
}
