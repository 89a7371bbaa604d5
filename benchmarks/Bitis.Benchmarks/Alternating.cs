using System.Diagnostics;

namespace Bitis.Benchmarks;

/// <summary>
/// Times several candidates in turns, so that whatever else the machine does meets all of them alike, and takes the
/// median of each.
/// </summary>
internal static class Alternating
{
    private const int Rounds = 9;
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(4), WarmUp = TimeSpan.FromMilliseconds(300);

    /// <summary>Median seconds per call of each candidate.</summary>
    public static double[] Seconds(params Action[] candidates)
    {
        // The runtime compiles a method anew, in the background, a tenth of a second after it was found to be called
        // often.
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < WarmUp;)
        {
            foreach (Action candidate in candidates)
                candidate();
        }
        int[] repetitions = [.. candidates.Select(Calibrate)];
        var samples = new double[candidates.Length][];
        for (int i = 0; i < candidates.Length; i++)
            samples[i] = new double[Rounds];
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < candidates.Length; i++)
                samples[i][round] = Time(candidates[i], repetitions[i]);
        }
        foreach (double[] times in samples)
            Array.Sort(times);
        return [.. samples.Select(times => times[Rounds / 2])];
    }

    // How often a candidate fits into a slice.
    private static int Calibrate(Action candidate) => Math.Max(1, (int)(Slice.TotalSeconds / Time(candidate, 1)));

    private static double Time(Action candidate, int repetitions)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < repetitions; i++)
            candidate();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / repetitions;
    }
}
