using System.Globalization;
using System.Text;
using System.Xml.Linq;

namespace Bitis.Cli.Output;

/// <summary>A line chart as an SVG picture that any browser shows. The y axis may be logarithmic.</summary>
internal sealed class SvgChart(string title, string xLabel, string yLabel, bool logarithmic = false)
{
    private const double Width = 760, Height = 420, Left = 78, Right = 190, Top = 44, Bottom = 54;
    private const int MaxLegendEntries = 17;

    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    private readonly List<(string Name, IReadOnlyList<(double X, double Y)> Points)> _lines = [];

    /// <summary>Adds a line; its colour goes from blue for the first to red for the last.</summary>
    /// <remarks>Points that a logarithmic axis cannot show are left out.</remarks>
    public void Add(string name, IEnumerable<(double X, double Y)> points) =>
        _lines.Add((name, [.. points.Where(point => double.IsFinite(point.Y) && (!logarithmic || point.Y > 0))]));

    /// <summary>The picture.</summary>
    public string Render()
    {
        (double X, double Y)[] all = [.. _lines.SelectMany(line => line.Points)];
        (double xLow, double xHigh) = Range(all.Select(point => point.X));
        (double yLow, double yHigh) = Range(all.Select(point => Scale(point.Y)));
        var picture = new XElement(
            Svg + "svg",
            new XAttribute("viewBox", $"0 0 {Text(Width)} {Text(Height)}"),
            new XAttribute("font-family", "sans-serif"),
            new XAttribute("font-size", 12),
            new XElement(Svg + "title", DisplayText.Of(title)),
            new XElement(
                Svg + "rect", new XAttribute("width", Text(Width)), new XAttribute("height", Text(Height)),
                new XAttribute("fill", "white")),
            Label(title, Left, 24, "start", 15),
            Label(xLabel, (Left + Width - Right) / 2, Height - 12, "middle"),
            new XElement(
                Svg + "g",
                new XAttribute("transform", $"translate(18 {Text((Top + Height - Bottom) / 2)}) rotate(-90)"),
                Label(yLabel, 0, 0, "middle")));
        double[] xTicks = [.. Ticks(xLow, xHigh)], yTicks = [.. Ticks(yLow, yHigh)];
        foreach ((double tick, string number) in xTicks.Zip(Numbers(xTicks)))
        {
            picture.Add(
                Rule(X(tick), Top, X(tick), Height - Bottom), Label(number, X(tick), Height - Bottom + 18, "middle"));
        }
        IEnumerable<string> yNumbers = Numbers([.. yTicks.Select(tick => logarithmic ? Math.Pow(10, tick) : tick)]);
        foreach ((double tick, string number) in yTicks.Zip(yNumbers))
            picture.Add(Rule(Left, Y(tick), Width - Right, Y(tick)), Label(number, Left - 8, Y(tick) + 4, "end"));
        int legendStep = Math.Max(1, (_lines.Count + MaxLegendEntries - 1) / MaxLegendEntries);
        for (int i = 0; i < _lines.Count; i++)
        {
            string colour = Colour(i);
            var path = new StringBuilder();
            foreach ((double x, double y) in _lines[i].Points)
                path.Append(path.Length == 0 ? "" : " ").Append(Text(X(x))).Append(',').Append(Text(Y(Scale(y))));
            picture.Add(new XElement(
                Svg + "polyline",
                new XAttribute("points", path.ToString()),
                new XAttribute("fill", "none"),
                new XAttribute("stroke", colour),
                new XAttribute("stroke-width", "1.4"),
                new XElement(Svg + "title", DisplayText.Of(_lines[i].Name))));
            if (i % legendStep != 0)
                continue;
            double row = Top + 8 + (i / legendStep * 18);
            picture.Add(
                new XElement(
                    Svg + "rect",
                    new XAttribute("x", Text(Width - Right + 14)),
                    new XAttribute("y", Text(row - 8)),
                    new XAttribute("width", 14),
                    new XAttribute("height", 8),
                    new XAttribute("fill", colour)),
                Label(_lines[i].Name, Width - Right + 34, row, "start", 11));
        }
        if (legendStep > 1)
        {
            double row = Top + 8 + ((_lines.Count + legendStep - 1) / legendStep * 18);
            int named = (_lines.Count + legendStep - 1) / legendStep;
            picture.Add(
                Label($"{named} of {_lines.Count} lines are named;", Width - Right + 14, row, "start", 11),
                Label("point at one for its name", Width - Right + 14, row + 14, "start", 11));
        }
        return picture.ToString(SaveOptions.None) + "\n";

        double X(double value) => Left + ((value - xLow) / (xHigh - xLow) * (Width - Left - Right));
        double Y(double value) => Height - Bottom - ((value - yLow) / (yHigh - yLow) * (Height - Top - Bottom));
    }

    private static (double Low, double High) Range(IEnumerable<double> values)
    {
        double low = double.PositiveInfinity, high = double.NegativeInfinity;
        foreach (double value in values)
            (low, high) = (Math.Min(low, value), Math.Max(high, value));
        if (low > high)
            return (0, 1);
        return high > low ? (low, high) : (low - 0.5, high + 0.5);
    }

    /// <summary>Round numbers, about six of them.</summary>
    private static IEnumerable<double> Ticks(double low, double high)
    {
        double step = Math.Pow(10, Math.Floor(Math.Log10((high - low) / 4)));
        step *= ((high - low) / step) switch { > 16 => 5, > 8 => 2, _ => 1 };
        for (double tick = Math.Ceiling(low / step) * step; tick <= high + (step * 1e-9); tick += step)
            yield return tick;
    }

    private static XElement Label(string text, double x, double y, string anchor, int size = 12) => new(
        Svg + "text",
        new XAttribute("x", Text(x)),
        new XAttribute("y", Text(y)),
        new XAttribute("text-anchor", anchor),
        new XAttribute("font-size", size),
        DisplayText.Of(text));

    private static XElement Rule(double x1, double y1, double x2, double y2) => new(
        Svg + "line",
        new XAttribute("x1", Text(x1)),
        new XAttribute("y1", Text(y1)),
        new XAttribute("x2", Text(x2)),
        new XAttribute("y2", Text(y2)),
        new XAttribute("stroke", "#ddd"));

    private string Colour(int line) => $"hsl({Text(220 - (220.0 * line / Math.Max(1, _lines.Count - 1)))} 75% 45%)";

    private double Scale(double value) => logarithmic ? Math.Log10(value) : value;

    /// <summary>The numbers of an axis, all in one form.</summary>
    private static IEnumerable<string> Numbers(double[] values)
    {
        bool needsExponent = values.Any(value => Math.Abs(value) is >= 1e5 or (< 1e-3 and > 1e-12));
        string form = needsExponent ? "0.##E+0" : "0.####";
        return values.Select(value => value.ToString(form, CultureInfo.InvariantCulture));
    }

    private static string Text(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
