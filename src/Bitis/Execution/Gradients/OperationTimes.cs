using System.Diagnostics;

namespace Bitis.Execution.Gradients;

/// <summary>How long each kind of operation took, added over all threads.</summary>
internal sealed class OperationTimes
{
    private readonly Dictionary<(string Kind, bool IsBackward), long> _ticks = [];

    /// <summary>A point in time for <see cref="Add"/>.</summary>
    public static long Now => Stopwatch.GetTimestamp();

    /// <summary>The times by kind and direction, longest first.</summary>
    public IReadOnlyList<(string Kind, bool IsBackward, TimeSpan Time)> Totals
    {
        get
        {
            lock (_ticks)
            {
                return
                [
                    .. _ticks.OrderByDescending(entry => entry.Value)
                        .Select(
                            entry => (entry.Key.Kind, entry.Key.IsBackward, Stopwatch.GetElapsedTime(0, entry.Value))),
                ];
            }
        }
    }

    /// <summary>Adds the time since a point to a kind of operation.</summary>
    public void Add(string kind, long began, bool isBackward)
    {
        long ticks = Now - began;
        lock (_ticks)
            _ticks[(kind, isBackward)] = _ticks.GetValueOrDefault((kind, isBackward)) + ticks;
    }
}
