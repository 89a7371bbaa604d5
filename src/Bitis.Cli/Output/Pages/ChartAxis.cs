namespace Bitis.Cli.Output.Pages;

/// <summary>An axis: its title, whether it is logarithmic, and its categories if it has any.</summary>
internal sealed record ChartAxis(string Name, bool Log = false, IReadOnlyList<string>? Categories = null);
