using System.Diagnostics;

namespace Bitis;

/// <summary>Estimates the remaining time of work from its speed since the first report.</summary>
/// <remarks>Work done before that, for example by an earlier run, is ignored.</remarks>
internal sealed class EtaEstimator
{
    private (long Time, long Done)? _first;

    /// <summary>The time until the end; null while it is unknown.</summary>
    public TimeSpan? Remaining { get; private set; }

    /// <summary>Receives the progress of the work.</summary>
    /// <param name="done">The units that are done.</param>
    /// <param name="total">All units; 0 if unknown.</param>
    /// <param name="now">The time, as <see cref="Stopwatch.GetTimestamp"/> gives it.</param>
    public void Report(long done, long total, long now)
    {
        if (_first is not { } first || done < first.Done)
            _first = first = (now, done);
        long doneSince = done - first.Done;
        Remaining = doneSince > 0 && total > 0
            ? Stopwatch.GetElapsedTime(first.Time, now) * ((double)(total - done) / doneSince)
            : null;
    }
}
