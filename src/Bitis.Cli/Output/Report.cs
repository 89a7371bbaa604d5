using Spectre.Console;
using Spectre.Console.Rendering;

namespace Bitis.Cli.Output;

/// <summary>Results as aligned text: lines, names with values, tables. All of it is escaped and cut here (<see
/// cref="DisplayText"/>).</summary>
internal sealed class Report(CliContext context)
{
    /// <summary>A text, broken between words where the terminal is narrower.</summary>
    public void Line(string text = "")
    {
        foreach (string line in WordWrap.Lines(DisplayText.Of(text, DisplayText.MessageLength), context.OutputWidth))
            context.Output.WriteLine(line);
    }

    /// <summary>A line with a command to copy, which is never broken.</summary>
    public void Command(string text) => context.Output.WriteLine(DisplayText.Of(text, DisplayText.MessageLength));

    /// <summary>Names and values in two columns; values that are null are left out.</summary>
    public void Fields(params IEnumerable<(string Name, string? Value)> fields)
    {
        Grid grid = new Grid().AddColumn(
            new GridColumn().NoWrap().PadLeft(0).PadRight(2)).AddColumn(new GridColumn().Padding(0, 0));
        foreach ((string name, string? value) in fields)
        {
            if (value is not null)
            {
                grid.AddRow(
                    new Text(DisplayText.Of(name), new Style(decoration: Decoration.Dim)),
                    new Text(DisplayText.Of(value, DisplayText.MessageLength)));
            }
        }
        Write(grid, wraps: true);
    }

    /// <summary>
    /// A table; a column whose title starts with <c>&gt;</c> is aligned to the right, as numbers are.
    /// </summary>
    public void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        var table = new Table { Border = TableBorder.None };
        foreach (string title in columns)
        {
            bool isNumber = title.StartsWith('>');
            var column = new TableColumn(new Text(title.TrimStart('>'), new Style(decoration: Decoration.Bold)))
            {
                Alignment = isNumber ? Justify.Right : Justify.Left,
                Padding = new Padding(0, 0, 2, 0),
                NoWrap = true,
            };
            table.AddColumn(column);
        }
        foreach (IReadOnlyList<string> row in rows)
            table.AddRow(row.Select(cell => new Text(DisplayText.Of(cell))));
        Write(table, wraps: false);
    }

    /// <summary>Writes without the blanks that fill the last column up.</summary>
    private void Write(IRenderable content, bool wraps)
    {
        using var text = new StringWriter();
        IAnsiConsole console = context.CreateOutputConsole(text, wraps);
        console.Write(content);
        foreach (string line in text.ToString().TrimEnd('\n', '\r').Split('\n'))
            context.WriteStyled(line.TrimEnd());
    }
}
