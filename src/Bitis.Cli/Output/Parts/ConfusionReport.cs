namespace Bitis.Cli.Output.Parts;

/// <summary>The number of images of one class that were classified as another.</summary>
internal sealed record ConfusionReport(string Label, string Predicted, long Images);
