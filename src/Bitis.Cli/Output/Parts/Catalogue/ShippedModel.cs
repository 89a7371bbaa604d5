namespace Bitis.Cli.Output.Parts.Catalogue;

/// <summary>A trained model that comes with Bitis.</summary>
internal sealed record ShippedModel(
    string Name, string Family, long Parameters, int ImageSize, int Classes, long FileBytes);
