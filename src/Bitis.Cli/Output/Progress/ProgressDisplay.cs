using System.Diagnostics;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Bitis.Cli.Output.Progress;

/// <summary>Shows progress: bars on a terminal, occasional lines in a log.</summary>
internal static class ProgressDisplay
{
    /// <summary>The columns of percentage, remaining time and the blanks between them.</summary>
    private const int OtherColumns = 28;

    /// <summary>Runs work and shows its progress on standard error.</summary>
    public static T Run<T>(CliContext context, Func<IProgress<WorkProgress>, T> work)
    {
        if (!context.ErrorIsTerminal)
            return work(new LogLines(context.Error));
        IAnsiConsole console = context.CreateErrorConsole();
        var bars = new Bars(console);
        return console.Progress()
            .AutoClear(true)
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn { Width = BarWidth(console.Profile.Width) },
                new PercentageColumn(),
                new RemainingColumn(bars))
            .Start(progress => work(bars.In(progress)));
    }

    /// <summary>The label of a bar: the stage and its details, shortened to fit beside the bar.</summary>
    /// <param name="value">The progress.</param>
    /// <param name="width">The columns of the terminal.</param>
    internal static string Description(WorkProgress value, int width)
    {
        string text = DisplayText.Of(value.Stage);
        if (value.Detail is not null)
            text += $": {DisplayText.Of(value.Detail)}";
        int most = Math.Max(width - BarWidth(width) - OtherColumns, 1);
        return text.Length <= most ? text : text[..(most - 1)] + "…";
    }

    private static int BarWidth(int width) => Math.Clamp(width / 6, 8, 40);

    /// <summary>One bar for each stage. A stage of unknown length has an indeterminate bar.</summary>
    private sealed class Bars(IAnsiConsole console) : IProgress<WorkProgress>
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<string, Stage> _stages = [];
        private ProgressContext? _progress;

        public Bars In(ProgressContext progress)
        {
            _progress = progress;
            return this;
        }

        public void Report(WorkProgress value)
        {
            lock (_gate)
            {
                if (!_stages.TryGetValue(value.Stage, out Stage? stage))
                {
                    stage = new Stage(_progress!.AddTask(Markup.Escape(DisplayText.Of(value.Stage))));
                    _stages[value.Stage] = stage;
                }
                stage.Report(value);
                ProgressTask task = stage.Task;
                task.Description = Markup.Escape(Description(value, console.Profile.Width));
                task.IsIndeterminate = value.Total <= 0;
                task.MaxValue = Math.Max(value.Total, 1);
                task.Value = value.Done;
            }
        }

        public TimeSpan? RemainingOf(ProgressTask task)
        {
            lock (_gate)
                return _stages.Values.FirstOrDefault(stage => stage.Task == task)?.Remaining;
        }
    }

    /// <summary>The bar of a stage, and when it ends.</summary>
    private sealed class Stage(ProgressTask task)
    {
        private readonly EtaEstimator _eta = new();

        public ProgressTask Task { get; } = task;

        public TimeSpan? Remaining { get; private set; }

        public void Report(WorkProgress value)
        {
            _eta.Report(value.Done, value.Total, Stopwatch.GetTimestamp());
            Remaining = value.Remaining ?? _eta.Remaining;
        }
    }

    /// <summary>The time until the end of a stage.</summary>
    private sealed class RemainingColumn(Bars bars) : ProgressColumn
    {
        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
            new Text(bars.RemainingOf(task) is { } remaining ? $"{Format.Duration(remaining)} left" : "");
    }

    /// <summary>Writes a line at most every <see cref="Interval"/>, so that short work writes nothing.</summary>
    private sealed class LogLines(TextWriter error) : IProgress<WorkProgress>
    {
        private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

        private readonly Lock _gate = new();
        private long _last = Stopwatch.GetTimestamp();

        public void Report(WorkProgress value)
        {
            lock (_gate)
            {
                if (Stopwatch.GetElapsedTime(_last) < Interval)
                    return;
                _last = Stopwatch.GetTimestamp();
                string total = value.Total > 0 ? $" of {value.Total}" : "";
                string remaining = value.Remaining is { } time ? $"{Format.Duration(time)} left" : "";
                string[] details = [value.Detail ?? "", remaining];
                string detail = string.Join(", ", details.Where(part => part.Length > 0));
                string more = detail.Length == 0 ? "" : $" ({DisplayText.Of(detail)})";
                error.WriteLine($"{DisplayText.Of(value.Stage)}: {value.Done}{total}{more}");
            }
        }
    }
}
