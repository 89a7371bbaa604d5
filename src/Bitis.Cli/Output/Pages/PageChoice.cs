namespace Bitis.Cli.Output.Pages;

/// <summary>Charts of which a reader picks one at a time.</summary>
/// <param name="Title">What they show.</param>
/// <param name="Label">What is picked: a layer.</param>
/// <param name="Charts">The charts; their titles are the choices.</param>
internal sealed record PageChoice(string Title, string Label, IReadOnlyList<PageChart> Charts);
