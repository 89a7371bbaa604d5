namespace Bitis.Cli.Output.Pages;

/// <summary>A section of a page: what one input says.</summary>
/// <param name="Title">The title.</param>
/// <param name="Source">The file or model; null for the summary.</param>
internal sealed record PageSection(string Title, string? Source)
{
    /// <summary>Names with values; null ones are left out.</summary>
    public IReadOnlyList<(string Name, string? Value)> Facts { get; init; } = [];

    /// <summary>Charts, each with the table of its numbers.</summary>
    public IReadOnlyList<PageChart> Charts { get; init; } = [];

    /// <summary>Groups of charts to choose from.</summary>
    public IReadOnlyList<PageChoice> Choices { get; init; } = [];

    /// <summary>Tables without a chart.</summary>
    public IReadOnlyList<PageTable> Tables { get; init; } = [];

    /// <summary>Whether the tables stand before the charts.</summary>
    public bool BeginsWithTables { get; init; }

    /// <summary>Thumbnails.</summary>
    public IReadOnlyList<PageImage> Images { get; init; } = [];

    /// <summary>What is above the thumbnails.</summary>
    public string ImagesTitle { get; init; } = "";

    /// <summary>Whether a thumbnail is several pictures beside each other.</summary>
    public bool HasWideImages { get; init; }

    /// <summary>What is known of models, for the summary.</summary>
    public IReadOnlyList<MeasuredPoint> Points { get; init; } = [];

    /// <summary>The run that made the input; null if the file does not tell.</summary>
    public RunRecord? Run { get; init; }
}
