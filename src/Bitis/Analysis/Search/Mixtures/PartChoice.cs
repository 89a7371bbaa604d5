namespace Bitis.Analysis.Search.Mixtures;

/// <summary>What a part of a model gets: bits and a scope, or float32.</summary>
/// <param name="Bits">The bits of its layers and scans.</param>
/// <param name="Scope">Which of its sites are quantized; null for none.</param>
internal sealed record PartChoice(BitWidths Bits, Scope? Scope)
{
    /// <summary>The whole part in float32.</summary>
    public static PartChoice Float { get; } = new(BitWidths.None, Scope: null);

    /// <summary>The form of overrides: <c>w4a8,ssm</c>, or <c>float</c>.</summary>
    public override string ToString() =>
        Scope is { } scope ? $"{Bits},{scope.ToString().ToLowerInvariant()}" : "float";
}
