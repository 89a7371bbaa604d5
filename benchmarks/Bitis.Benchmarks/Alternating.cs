using System.Diagnostics;

namespace Bitis.Benchmarks;

/// <summary>
/// Times several candidates in turns, so that whatever else the machine does meets all of them alike, and takes the
/// median of each.
/// </summary>
internal static class Alternating
{
    private const int Rounds = 11, WarmUpRounds = 4;

    private static readonly TimeSpan ShortSlice = TimeSpan.FromMilliseconds(4);
    private static readonly TimeSpan WarmUp = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10), Idle = TimeSpan.FromMilliseconds(1);

    /// <summary>Median seconds per call of each candidate.</summary>
    public static double[] Seconds(params Action[] candidates) => Seconds(ShortSlice, candidates);

    /// <summary>Median seconds per call of each candidate.</summary>
    /// <param name="slice">How long a candidate is called when it is its turn; at least once.</param>
    /// <param name="candidates">What is timed.</param>
    public static double[] Seconds(TimeSpan slice, params Action[] candidates)
    {
        // The runtime compiles a method anew, in the background, a tenth of a second after it was found to be called
        // often.
        long start = Stopwatch.GetTimestamp();
        for (int round = 0; round < WarmUpRounds || Stopwatch.GetElapsedTime(start) < WarmUp; round++)
        {
            foreach (Action candidate in candidates)
                candidate();
        }
        int[] repetitions = [.. candidates.Select(candidate => Calibrate(candidate, slice))];
        var samples = new double[candidates.Length][];
        for (int i = 0; i < candidates.Length; i++)
            samples[i] = new double[Rounds];
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < candidates.Length; i++)
            {
                WaitUntilIdle();
                candidates[i](); // finds the caches full of what others left
                samples[i][round] = Time(candidates[i], repetitions[i]);
            }
        }
        foreach (double[] times in samples)
            Array.Sort(times);
        return [.. samples.Select(times => times[Rounds / 2])];
    }

    // How often a candidate fits into a slice.
    private static int Calibrate(Action candidate, TimeSpan slice) =>
        Math.Max(1, (int)(slice.TotalSeconds / Time(candidate, 1)));

    // Threads of a candidate go on spinning for a while after its last call.
    private static void WaitUntilIdle()
    {
        TimeSpan before;
        do
        {
            before = Environment.CpuUsage.TotalTime;
            Thread.Sleep(Pause);
        }
        while (Environment.CpuUsage.TotalTime - before > Idle);
    }

    private static double Time(Action candidate, int repetitions)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < repetitions; i++)
            candidate();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / repetitions;
    }
}
