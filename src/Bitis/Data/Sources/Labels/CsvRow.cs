namespace Bitis.Data.Sources.Labels;

/// <summary>A row of a CSV file.</summary>
/// <param name="Line">The line of the file on which it starts, from 1.</param>
/// <param name="Fields">Its values, unquoted.</param>
internal readonly record struct CsvRow(int Line, IReadOnlyList<string> Fields);
