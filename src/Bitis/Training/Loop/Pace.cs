using System.Diagnostics;

namespace Bitis.Training.Loop;

/// <summary>Foretells the end of a run from its speed so far, everything included.</summary>
/// <param name="start">The steps that were done when the run began.</param>
/// <param name="steps">All steps.</param>
internal sealed class Pace(long start, long steps)
{
    private readonly long _began = Stopwatch.GetTimestamp();

    /// <summary>The time until the last step.</summary>
    /// <param name="done">Steps done, more than at the start.</param>
    public TimeSpan Remaining(long done) => Stopwatch.GetElapsedTime(_began) * ((double)(steps - done) / (done - start));
}
