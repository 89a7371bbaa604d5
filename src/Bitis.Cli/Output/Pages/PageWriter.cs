using System.Security.Cryptography;
using System.Text;

namespace Bitis.Cli.Output.Pages;

/// <summary>Writes a page as one HTML file that needs no network.</summary>
/// <remarks>
/// What is not from Bitis is escaped: in HTML by <see cref="PageText.Html"/>, in data by the serializer, whose JSON has
/// no <c>&lt;</c>. The policy in the file's head permits the two scripts of this program by their hashes, and nothing
/// else.
/// </remarks>
internal sealed class PageWriter
{
    /// <summary>Tables with more rows are closed at first.</summary>
    private const int OpenRows = 16;

    /// <summary>What the page may do; the hashes of its scripts follow.</summary>
    private const string Policy = "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        + "style-src 'unsafe-inline'; script-src";

    private readonly StringBuilder _html = new();
    private readonly List<IReadOnlyList<PageChart>> _charts = [];

    private PageWriter()
    {
    }

    /// <summary>The page as HTML.</summary>
    public static string Write(Page page)
    {
        var writer = new PageWriter();
        writer.WritePage(page);
        return writer._html.ToString();
    }

    private static string Asset(string name)
    {
        using Stream stream = typeof(PageWriter).Assembly.GetManifestResourceStream($"Bitis.Cli.Pages.{name}")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n"); // as browsers read it before they hash it
    }

    private static string Hash(string script) =>
        $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script)))}'";

    private void WritePage(Page page)
    {
        string charts = Asset("echarts.min.js"), script = Asset("report.js");
        _html.Append($"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="{Policy} {Hash(charts)} {Hash(script)}">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="generator" content="Bitis">
            <title>{PageText.Html(page.Title)}</title>
            <style>
            {Asset("report.css")}</style>
            </head>
            <body>
            <a class="skip" href="#content">Skip to the content</a>
            <header>
            <h1>{PageText.Html(page.Title)}</h1>
            <button type="button" id="theme" hidden></button>
            </header>
            <nav aria-label="Contents"><ul>

            """.ReplaceLineEndings("\n"));
        for (int i = 0; i < page.Sections.Count; i++)
            Line($"<li><a href=\"#s{i}\">{PageText.Html(page.Sections[i].Title)}</a></li>");
        Line("</ul></nav>");
        Line("<noscript><p>Without JavaScript there are no charts here. Their numbers are in tables.</p></noscript>");
        Line("<main id=\"content\" tabindex=\"-1\">");
        for (int i = 0; i < page.Sections.Count; i++)
            WriteSection(page.Sections[i], i);
        Line("</main>");
        Line("<footer>");
        Line($"<p>Made by Bitis, {PageText.Html(page.Run.Date)}.</p>");
        WriteRun(page.Run);
        Line("</footer>");
        Line("<p id=\"said\" class=\"unseen\" role=\"status\"></p>");
        Line($"<script type=\"application/json\" id=\"data\">{JsonOutput.ForPage(_charts)}</script>");
        Line($"<script>{charts}</script>");
        Line($"<script>{script}</script>");
        Line("</body>");
        Line("</html>");
    }

    private void WriteSection(PageSection section, int index)
    {
        Line($"<section id=\"s{index}\" aria-labelledby=\"h{index}\">");
        Line($"<h2 id=\"h{index}\">{PageText.Html(section.Title)}</h2>");
        if (section.Source is not null)
            Line($"<p class=\"source\">from <code>{PageText.Html(section.Source)}</code></p>");
        if (section.Facts.Any(fact => fact.Value is not null))
        {
            Line("<dl>");
            foreach ((string name, string? value) in section.Facts)
            {
                if (value is not null)
                    Line($"<div><dt>{PageText.Html(name)}</dt><dd>{PageText.Html(value)}</dd></div>");
            }
            Line("</dl>");
        }
        if (section.BeginsWithTables)
            WriteTables();
        foreach (PageChart chart in section.Charts)
            WriteChart(chart);
        foreach (PageChoice choice in section.Choices)
            WriteChoice(choice);
        if (!section.BeginsWithTables)
            WriteTables();
        if (section.Images.Count > 0)
            WriteImages(section);
        if (section.Run is { } run)
            WriteRun(run);
        Line("</section>");

        void WriteTables()
        {
            foreach (PageTable table in section.Tables)
                WriteTable(table, isBehindChart: false);
        }
    }

    private void WriteChart(PageChart chart)
    {
        int id = WriteCaption(chart.Title, chart.Note, [chart]);
        Line($"<div class=\"plot\" data-chart=\"{id}\"></div>");
        WriteTable(chart.TableOrPoints(), isBehindChart: true);
        Line("</figure>");
    }

    private void WriteChoice(PageChoice choice)
    {
        int id = WriteCaption(choice.Title, choice.Charts[0].Note ?? "", choice.Charts);
        Line($"<p class=\"pick\"><label for=\"pick{id}\">{PageText.Html(choice.Label)}</label>");
        Line($"<select id=\"pick{id}\">");
        for (int i = 0; i < choice.Charts.Count; i++)
            Line($"<option value=\"{i}\">{PageText.Html(choice.Charts[i].Title)}</option>");
        Line("</select></p>");
        Line($"<div class=\"plot\" data-chart=\"{id}\"></div>");
        WriteTable(choice.Charts[0].TableOrPoints() with { Caption = choice.Title }, isBehindChart: true);
        Line("</figure>");
    }

    /// <summary>Begins a figure, and returns the index of its charts.</summary>
    private int WriteCaption(string title, string? note, IReadOnlyList<PageChart> charts)
    {
        int id = _charts.Count;
        _charts.Add(charts);
        Line("<figure class=\"chart\">");
        Line($"<figcaption><h3 id=\"c{id}\">{PageText.Html(title)}</h3>");
        if (note is not null)
            Line($"<p>{PageText.Html(note)}</p>");
        Line("</figcaption>");
        return id;
    }

    private void WriteTable(PageTable table, bool isBehindChart)
    {
        bool isOpen = !isBehindChart && table.Rows.Count <= OpenRows;
        string kind = isBehindChart ? "numbers behind" : "numbers";
        Line($"<details class=\"{kind}\"{(isOpen ? " open" : "")}>");
        Line(isBehindChart
            ? $"<summary>Numbers: {PageText.Html(table.Caption)}</summary>"
            : $"<summary>{PageText.Html(table.Caption)} "
                + $"<span class=\"count\">({DisplayText.Count(table.Rows.Count, "row")})</span></summary>");
        Line("<p class=\"tools\"><button type=\"button\" class=\"copy\" hidden>Copy as CSV</button></p>");
        Line("<div class=\"scroll\" role=\"group\" tabindex=\"0\" "
            + $"aria-label=\"{PageText.Html(table.Caption)}\"><table>");
        Line($"<caption class=\"unseen\">{PageText.Html(table.Caption)}</caption>");
        _html.Append("<thead><tr>");
        foreach (string column in table.Columns)
            _html.Append($"<th scope=\"col\"{Class(column)}>{PageText.Html(column.TrimStart('>'))}</th>");
        Line("</tr></thead><tbody>");
        foreach (IReadOnlyList<string> row in table.Rows)
        {
            _html.Append("<tr>");
            for (int i = 0; i < row.Count; i++)
            {
                string tag = i == 0 ? "th scope=\"row\"" : "td";
                _html.Append($"<{tag}{Class(table.Columns[i])}>{PageText.Html(row[i])}</{tag[..2]}>");
            }
            Line("</tr>");
        }
        Line("</tbody></table></div></details>");

        static string Class(string column) => column.StartsWith('>') ? " class=\"n\"" : "";
    }

    private void WriteImages(PageSection section)
    {
        Line($"<h3>{PageText.Html(section.ImagesTitle)}</h3>");
        Line($"<ul class=\"images{(section.HasWideImages ? " wide" : "")}\">");
        foreach (PageImage image in section.Images)
        {
            Line($"<li><figure><img alt=\"{PageText.Html(image.Name)}\" "
                + $"src=\"data:image/png;base64,{Convert.ToBase64String(image.Png)}\">");
            Line($"<figcaption><code>{PageText.Html(image.Name)}</code>"
                + $"{string.Join("<br>", image.Lines.Select(PageText.Html))}</figcaption></figure></li>");
        }
        Line("</ul>");
    }

    private void WriteRun(RunRecord run)
    {
        Line("<div class=\"run\">");
        Line($"<pre tabindex=\"0\" aria-label=\"Command\"><code>{PageText.Html(run.Command)}</code></pre>");
        Line($"<p>{PageText.Html(run.Machine())}; {PageText.Html(run.Date)}</p>");
        Line("</div>");
    }

    private void Line(string text) => _html.Append(text).Append('\n');
}
