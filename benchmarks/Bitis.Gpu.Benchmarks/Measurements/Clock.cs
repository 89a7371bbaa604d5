using System.Diagnostics;
using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Benchmarks.Measurements;

/// <summary>Times work on a device from the host: much of it at once, the best of several times.</summary>
/// <param name="device">The device.</param>
internal sealed class Clock(GpuDevice device) : IDisposable
{
    private const int Rounds = 5;

    private readonly GpuBuffer _word = device.Upload<int>([0]);

    /// <summary>The seconds of one run of a graph.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="repetitions">How many runs make a round.</param>
    public double Seconds(GpuGraph graph, int repetitions = 1)
    {
        graph.Run();
        Wait();
        double best = double.PositiveInfinity;
        for (int round = 0; round < Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < repetitions; i++)
                graph.Run();
            Wait();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds / repetitions);
        }
        return best;
    }

    /// <summary>The seconds of one launch among many of the same.</summary>
    public double SecondsOfLaunch(GpuLaunch launch, int count)
    {
        using GpuGraph graph = device.Record([.. Enumerable.Repeat(launch, count)]);
        return Seconds(graph) / count;
    }

    /// <inheritdoc />
    public void Dispose() => _word.Dispose();

    // Reading waits for all work before it.
    private void Wait() => _word.Read<int>(new int[1]);
}
