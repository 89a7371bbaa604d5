namespace Bitis.Cli.Output.Pages;

/// <summary>A table of a page. Columns whose title starts with <c>&gt;</c> are numbers.</summary>
internal sealed record PageTable(
    string Caption, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows);
