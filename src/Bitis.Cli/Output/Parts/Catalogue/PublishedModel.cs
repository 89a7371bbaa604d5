namespace Bitis.Cli.Output.Parts.Catalogue;

/// <summary>A published model: its ImageNet accuracy in percent, and where its checkpoint is.</summary>
internal sealed record PublishedModel(
    string Name, string Family, long Parameters, double PublishedTop1, string? Source);
