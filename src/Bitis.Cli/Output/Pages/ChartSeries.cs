namespace Bitis.Cli.Output.Pages;

/// <summary>Points that belong together.</summary>
internal sealed record ChartSeries(string Name, IReadOnlyList<ChartPoint> Points);
