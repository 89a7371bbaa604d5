using Spectre.Console;
using Spectre.Console.Rendering;

namespace Bitis.Cli.Output;

/// <summary>
/// Writes results as aligned text: lines, names with values, tables. It escapes and shortens all texts
/// (<see cref="DisplayText"/>).
/// </summary>
internal sealed class Report(CliContext context)
{
    /// <summary>Writes a text, wrapped between words to fit the terminal.</summary>
    public void Line(string text = "")
    {
        foreach (string line in WordWrap.Lines(DisplayText.Of(text, DisplayText.MessageLength), context.OutputWidth))
            context.Output.WriteLine(line);
    }

    /// <summary>Writes a command to copy, without wrapping.</summary>
    public void Command(string text) => context.Output.WriteLine(DisplayText.Of(text, DisplayText.MessageLength));

    /// <summary>Writes names and values in two columns, without values that are null.</summary>
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

    /// <summary>Writes a table. A column whose title starts with <c>&gt;</c> is aligned to the right.</summary>
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

    /// <summary>Writes without trailing blanks.</summary>
    private void Write(IRenderable content, bool wraps)
    {
        using var text = new StringWriter();
        IAnsiConsole console = context.CreateOutputConsole(text, wraps);
        console.Write(content);
        foreach (string line in text.ToString().TrimEnd('\n', '\r').Split('\n'))
            context.WriteStyled(line.TrimEnd());
    }
}
