namespace Bitis.Cli.Output.Parts;

/// <summary>How well the images of one class were recognized.</summary>
internal sealed record ClassReport(int Class, string Name, long Images, double Top1);
