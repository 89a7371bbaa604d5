namespace Bitis.Cli.Output.Pages;

/// <summary>The kinds of charts that <c>report.js</c> draws.</summary>
internal enum ChartKind
{
    /// <summary>Lines through points.</summary>
    Line,

    /// <summary>Bars, one for each category or number.</summary>
    Bar,

    /// <summary>Points with a name.</summary>
    Scatter,

    /// <summary>Cells of two categories, coloured by a number; the colours are logarithmic.</summary>
    Heatmap,

    /// <summary>The shares of values along an axis.</summary>
    Histogram,
}
