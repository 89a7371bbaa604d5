using System.Diagnostics;

namespace Bitis.Execution.Gradients;

/// <summary>How long each kind of operation took, added over all threads.</summary>
/// <remarks>An operation may name its phases. What it does not name is its phase without a name.</remarks>
internal sealed class OperationTimes
{
    // The operation that runs on this thread.
    [ThreadStatic]
    private static OperationTimes? _running;

    [ThreadStatic]
    private static (string Kind, bool IsBackward) _operation;

    [ThreadStatic]
    private static long _began;

    private readonly Dictionary<(string Kind, bool IsBackward, string Phase), long> _ticks = [];
    private readonly Dictionary<string, long> _stages = [];

    /// <summary>A point in time for <see cref="AddStage"/>.</summary>
    public static long Now => Stopwatch.GetTimestamp();

    /// <summary>The times by kind and direction, longest first.</summary>
    public IReadOnlyList<(string Kind, bool IsBackward, TimeSpan Time)> Totals =>
    [
        .. Phases.GroupBy(entry => (entry.Kind, entry.IsBackward))
            .Select(group => (
                group.Key.Kind,
                group.Key.IsBackward,
                Time: new TimeSpan(group.Sum(entry => entry.Time.Ticks))))
            .OrderByDescending(entry => entry.Time),
    ];

    /// <summary>The times by kind, direction and phase.</summary>
    public IReadOnlyList<(string Kind, bool IsBackward, string Phase, TimeSpan Time)> Phases
    {
        get
        {
            lock (_ticks)
            {
                return
                [
                    .. _ticks.Select(
                        entry => (
                            entry.Key.Kind,
                            entry.Key.IsBackward,
                            entry.Key.Phase,
                            Stopwatch.GetElapsedTime(0, entry.Value))),
                ];
            }
        }
    }

    /// <summary>The times of what is done once for a batch, by its name.</summary>
    public IReadOnlyList<(string Stage, TimeSpan Time)> Stages
    {
        get
        {
            lock (_ticks)
                return [.. _stages.Select(entry => (entry.Key, Stopwatch.GetElapsedTime(0, entry.Value)))];
        }
    }

    /// <summary>Starts an operation on this thread.</summary>
    public void Begin(string kind, bool isBackward) =>
        (_running, _operation, _began) = (this, (kind, isBackward), Now);

    /// <summary>Ends the operation on this thread, if any is measured.</summary>
    public static void End()
    {
        EndPhase("");
        _running = null;
    }

    /// <summary>Ends a phase of the operation on this thread, if any is measured.</summary>
    /// <param name="phase">What the time since the phase before was spent on.</param>
    public static void EndPhase(string phase) => _running?.AddPhase(phase);

    /// <summary>Adds the time since a point to a stage.</summary>
    public void AddStage(string stage, long began)
    {
        long ticks = Now - began;
        lock (_ticks)
            _stages[stage] = _stages.GetValueOrDefault(stage) + ticks;
    }

    private void AddPhase(string phase)
    {
        long now = Now;
        (string Kind, bool IsBackward, string Phase) key = (_operation.Kind, _operation.IsBackward, phase);
        lock (_ticks)
            _ticks[key] = _ticks.GetValueOrDefault(key) + (now - _began);
        _began = Now; // without what adding took
    }
}
