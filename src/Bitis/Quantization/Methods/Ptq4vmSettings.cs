namespace Bitis.Quantization.Methods;

/// <summary>The settings of the method <c>ptq4vm</c>.</summary>
internal sealed record Ptq4vmSettings : SmoothedLearningSettings
{
    /// <summary>What the authors' code does wherever that differs from the paper's intent (docs/ptq4vm.md).</summary>
    public bool Official { get; init; }
}
