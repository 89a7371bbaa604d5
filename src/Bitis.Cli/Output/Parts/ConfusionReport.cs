namespace Bitis.Cli.Output.Parts;

/// <summary>Images of one class that were taken for another, by name.</summary>
internal sealed record ConfusionReport(string Label, string Predicted, long Images);
