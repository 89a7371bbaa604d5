namespace Bitis.Cli.Output.Parts.Catalogue;

/// <summary>An architecture to train, with its parameters for ten classes.</summary>
internal sealed record TrainableModel(string Name, string Family, long Parameters, int ImageSize);
