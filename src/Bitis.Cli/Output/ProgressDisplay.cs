using System.Diagnostics;
using Spectre.Console;

namespace Bitis.Cli.Output;

/// <summary>Shows how long work goes on: a bar for a person, a line now and then for a log.</summary>
internal static class ProgressDisplay
{
    /// <summary>Does the work and shows its progress on standard error.</summary>
    public static T Run<T>(CliContext context, Func<IProgress<WorkProgress>, T> work)
    {
        if (!context.ErrorIsTerminal)
            return work(new LogLines(context.Error));
        return context.CreateErrorConsole().Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(progress => work(new Bars(progress)));
    }

    /// <summary>One bar for each stage. A stage of unknown length has a bar that only shows life.</summary>
    private sealed class Bars(ProgressContext progress) : IProgress<WorkProgress>
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<string, ProgressTask> _stages = [];

        public void Report(WorkProgress value)
        {
            string stage = DisplayText.Of(value.Stage);
            lock (_gate)
            {
                if (!_stages.TryGetValue(value.Stage, out ProgressTask? task))
                    _stages[value.Stage] = task = progress.AddTask(Markup.Escape(stage));
                task.Description = Markup.Escape(value.Detail is null ? stage : $"{stage}: {DisplayText.Of(value.Detail)}");
                task.IsIndeterminate = value.Total <= 0;
                task.MaxValue = Math.Max(value.Total, 1);
                task.Value = value.Done;
            }
        }
    }

    /// <summary>A line at most every <see cref="Interval"/>, so that short work writes nothing.</summary>
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
                string detail = value.Detail is null ? "" : $" ({DisplayText.Of(value.Detail)})";
                error.WriteLine($"{DisplayText.Of(value.Stage)}: {value.Done}{total}{detail}");
            }
        }
    }
}
