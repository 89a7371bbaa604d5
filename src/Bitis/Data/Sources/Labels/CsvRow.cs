namespace Bitis.Data.Sources.Labels;

/// <summary>A row of a CSV file.</summary>
/// <param name="Line">The number of its first line in the file, from 1.</param>
/// <param name="Fields">Its values, unquoted.</param>
internal readonly record struct CsvRow(int Line, IReadOnlyList<string> Fields);
