using System.Diagnostics;
using Bitis.Tensors;

namespace Bitis.Benchmarks;

/// <summary>
/// How much a second thread helps, for one image and for a batch, how much callers at the same time gain on one
/// session, and how long the first answer of a process takes. All settings take turns.
/// </summary>
internal static class ThreadsBenchmark
{
    private const int Rounds = 15, Batch = 16, Requests = 16;

    public static void Run(string variant)
    {
        long started = Stopwatch.GetTimestamp();
        VisionModel model = RandomModel.Create(variant);
        FloatTensor image = RandomModel.Images(model, 1), images = RandomModel.Images(model, Batch);
        double prepared = Stopwatch.GetElapsedTime(started).TotalSeconds;
        started = Stopwatch.GetTimestamp();
        using (InferenceSession first = InferenceSession.Create(model))
            first.Run(image);
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        Console.WriteLine($"{variant}: the first answer of this process took {seconds:F2} s, after {prepared:F2} s "
            + "for weights and images, which are made of random numbers.");
        Console.WriteLine();
        Console.WriteLine("| ms an image | batch | one thread | two threads | ratio |");
        Console.WriteLine("|---|---|---|---|---|");
        Measure(
            "float32",
            threads => InferenceSession.Create(model, new SessionOptions { Threads = threads }),
            image,
            images);
        foreach (Scope scope in (Scope[])[Scope.Linear, Scope.Full])
        {
            QuantizedModel quantized = RandomModel.Quantize(model, "w8a8", scope);
            Measure(
                RandomModel.NameOf("w8a8", scope),
                threads => InferenceSession.Create(quantized, new SessionOptions { Threads = threads }),
                image,
                images);
        }
        Console.WriteLine();
        Console.WriteLine($"| ms for {Requests} requests of one image | threads | one after the other | at once | "
            + "ratio | workspaces |");
        Console.WriteLine("|---|---|---|---|---|---|");
        MeasureRequests(
            "float32", threads => InferenceSession.Create(model, new SessionOptions { Threads = threads }), image);
        QuantizedModel integers = RandomModel.Quantize(model, "w8a8", Scope.Full);
        MeasureRequests(
            RandomModel.NameOf("w8a8", Scope.Full),
            threads => InferenceSession.Create(integers, new SessionOptions { Threads = threads }),
            image);
    }

    /// <summary>
    /// Requests one after the other against requests that all come at once, each on a thread of its own.
    /// </summary>
    private static void MeasureRequests(string name, Func<int, InferenceSession> create, FloatTensor image)
    {
        using InferenceSession one = create(1), two = create(2);
        InferenceSession[] sessions = [one, two];
        List<double>[] serial = [[], []], parallel = [[], []];
        for (int round = -2; round < Rounds; round++)
        {
            for (int i = 0; i < sessions.Length; i++)
            {
                double serialTime = TimeSerial(sessions[i], image), parallelTime = TimeParallel(sessions[i], image);
                if (round < 0)
                    continue; // warms up
                serial[i].Add(serialTime);
                parallel[i].Add(parallelTime);
            }
        }
        for (int i = 0; i < sessions.Length; i++)
        {
            double apart = Median(serial[i]), together = Median(parallel[i]);
            Console.WriteLine(
                $"| {name} | {sessions[i].Threads} | {apart:F1} | {together:F1} | {apart / together:F2} | "
                + $"{sessions[i].Workspaces.Count} |");
        }
    }

    private static double TimeSerial(InferenceSession session, FloatTensor image)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Requests; i++)
            session.Run(image);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static double TimeParallel(InferenceSession session, FloatTensor image)
    {
        using var go = new ManualResetEventSlim();
        Thread[] callers = [.. Enumerable.Range(0, Requests).Select(_ => new Thread(() =>
        {
            go.Wait();
            session.Run(image);
        }))];
        foreach (Thread caller in callers)
            caller.Start();
        long start = Stopwatch.GetTimestamp();
        go.Set();
        foreach (Thread caller in callers)
            caller.Join();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static double Median(List<double> times)
    {
        times.Sort();
        return times[times.Count / 2];
    }

    private static void Measure(string name, Func<int, InferenceSession> create, params FloatTensor[] batches)
    {
        using InferenceSession one = create(1), two = create(2);
        foreach (FloatTensor batch in batches)
        {
            List<double> oneTimes = [], twoTimes = [];
            for (int round = -2; round < Rounds; round++)
            {
                double oneTime = Time(one, batch), twoTime = Time(two, batch);
                if (round < 0)
                    continue; // warms up
                oneTimes.Add(oneTime);
                twoTimes.Add(twoTime);
            }
            double single = Median(oneTimes) / batch.Shape[0], both = Median(twoTimes) / batch.Shape[0];
            Console.WriteLine($"| {name} | {batch.Shape[0]} | {single:F2} | {both:F2} | {single / both:F2} |");
        }
    }

    private static double Time(InferenceSession session, FloatTensor images)
    {
        long start = Stopwatch.GetTimestamp();
        session.Run(images);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
