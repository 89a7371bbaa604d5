namespace Bitis.Cli.Output.Parts;

/// <summary>The accuracy on the images of one class.</summary>
internal sealed record ClassReport(int Class, string Name, long Images, double Top1);
