namespace Bitis.Cli.Output.Pages;

/// <summary>A point. A heatmap's has a value; a scatter's has a name.</summary>
internal sealed record ChartPoint(double X, double? Y, double? Value = null, string? Name = null);
