using System.Diagnostics;
using System.Text.RegularExpressions;
using Bitis.Cli;
using Bitis.Cli.Output;
using Bitis.Cli.Output.Progress;
using Bitis.Training;

namespace Bitis.Tests.Cli;

/// <summary>
/// What a person sees on a terminal: nothing runs over its edge, words stay whole, one time is foretold.
/// </summary>
public sealed class NarrowTerminalTests
{
    private const string Text =
        "The gradients are far from the exact ones, which costs accuracy; a rank of 64 leaves no tokens out.";

    [Theory]
    [InlineData(40)]
    [InlineData(60)]
    [InlineData(79)]
    [InlineData(300)]
    public void Text_is_broken_between_words(int width)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        CliContext context = Terminal(output, error, width);
        var report = new Report(context);
        report.Line(Text);
        report.Fields(("name", Text));
        context.WriteMessage(Text);
        foreach (StringWriter writer in (StringWriter[])[output, error])
        {
            string plain = Regex.Replace(writer.ToString(), "\u001b\\[[0-9;]*m", "", RegexOptions.NonBacktracking);
            string[] lines = plain.ReplaceLineEndings("\n").TrimEnd().Split('\n');
            Assert.All(lines, line => Assert.InRange(line.Length, 1, width));
            string[] words = string.Join(' ', lines).Split(' ', StringSplitOptions.RemoveEmptyEntries);
            Assert.Empty(words.Except([.. Text.Split(' '), "name"]));
        }
        Assert.Equal(Text, string.Join(' ', error.ToString().ReplaceLineEndings("\n").TrimEnd().Split('\n')));
    }

    [Fact]
    public void Long_words_and_commands_stay_whole()
    {
        string path = new('x', 100);
        Assert.Equal(["a", path, "b"], WordWrap.Lines($"a {path} b", 40));
        Assert.Equal([""], WordWrap.Lines("", 40));
        using var output = new StringWriter();
        new Report(Terminal(output, TextWriter.Null, 40)).Command(Text);
        Assert.Equal(Text, output.ToString().TrimEnd());
    }

    [Theory]
    [InlineData(40)]
    [InlineData(80)]
    [InlineData(129)]
    [InlineData(200)]
    public void Progress_fits_its_line(int width)
    {
        var shown = new List<WorkProgress>();
        var display = new TrainingDisplay(new Progress(shown.Add));
        var remaining = TimeSpan.FromHours(12.5);
        display.Report(new TrainingProgress(100, 300, 99_999, 117_000, 0.001, 2.3, 0.1234, 1234.5, 0.4567, remaining));
        WorkProgress value = Assert.Single(shown);
        Assert.Equal(remaining, value.Remaining);
        Assert.DoesNotContain("left", value.Detail);
        string description = ProgressDisplay.Description(value, width);
        const int Percentage = 4, Gaps = 8;
        int left = $"{Format.Duration(TimeSpan.FromHours(99.9))} left".Length;
        int others = Math.Clamp(width / 6, 8, 40) + Percentage + left + Gaps;
        Assert.InRange(description.Length, 1, width - others + 1);
        Assert.StartsWith(description[..^1], $"training: {value.Detail}", StringComparison.Ordinal);
    }

    [Fact]
    public void The_remaining_time_counts_from_where_a_run_has_begun()
    {
        var eta = new EtaEstimator();
        long second = Stopwatch.Frequency;
        eta.Report(900, 1000, 0);
        Assert.Null(eta.Remaining);
        eta.Report(910, 1000, 10 * second);
        Assert.Equal(90, eta.Remaining!.Value.TotalSeconds, 1e-6);
        eta.Report(920, 0, 20 * second);
        Assert.Null(eta.Remaining);
        eta.Report(20, 1000, 30 * second); // work that began anew
        Assert.Null(eta.Remaining);
        eta.Report(30, 1000, 31 * second);
        Assert.Equal(97, eta.Remaining!.Value.TotalSeconds, 1e-6);
    }

    [Fact]
    public void A_legend_says_when_it_leaves_lines_out()
    {
        var many = new SvgChart("title", "x", "y");
        for (int i = 0; i < 40; i++)
            many.Add($"scan {i}", [(0, i), (1, i + 1)]);
        Assert.Contains("14 of 40 lines are named;", many.Render());
        var few = new SvgChart("title", "x", "y");
        few.Add("scan", [(0, 1), (1, 2)]);
        Assert.DoesNotContain("are named", few.Render());
    }

    [Fact]
    public void An_axis_has_numbers_of_one_form()
    {
        var chart = new SvgChart("title", "x", "y", logarithmic: true);
        chart.Add("scan", [(0, 1e-6), (1, 1e3)]);
        string[] numbers = [.. System.Xml.Linq.XElement.Parse(chart.Render()).Elements()
            .Where(element => (string?)element.Attribute("text-anchor") == "end").Select(element => element.Value)];
        Assert.True(numbers.Length > 2);
        Assert.All(numbers, number => Assert.Contains("E", number));
    }

    private static CliContext Terminal(TextWriter output, TextWriter error, int width) => new()
    {
        Output = output,
        Error = error,
        OutputIsTerminal = true,
        ErrorIsTerminal = true,
        NoColor = true,
        TerminalWidth = width,
    };

    private sealed class Progress(Action<WorkProgress> report) : IProgress<WorkProgress>
    {
        public void Report(WorkProgress value) => report(value);
    }
}
