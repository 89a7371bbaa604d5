using System.Diagnostics;

namespace Bitis.Cli.Output.Progress;

/// <summary>
/// Foretells the end of a stage by its steps since the first report. What an earlier run has done does not count.
/// </summary>
internal sealed class StagePace
{
    private long? _began;
    private long _doneAtFirst;

    /// <summary>The time until the end; null while nothing tells it.</summary>
    public TimeSpan? Remaining { get; private set; }

    /// <summary>Hears how far the stage has come.</summary>
    /// <param name="value">That.</param>
    /// <param name="now">The time, as <see cref="Stopwatch.GetTimestamp"/> gives it.</param>
    public void Report(WorkProgress value, long now)
    {
        if (_began is not { } began || value.Done < _doneAtFirst)
        {
            (_began, _doneAtFirst) = (now, value.Done);
            Remaining = value.Remaining;
            return;
        }
        long done = value.Done - _doneAtFirst;
        bool tells = done > 0 && value.Total > 0;
        Remaining = value.Remaining
            ?? (tells ? Stopwatch.GetElapsedTime(began, now) * ((double)(value.Total - value.Done) / done) : null);
    }
}
