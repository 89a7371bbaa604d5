using System.Diagnostics;
using Bitis.Tensors;

namespace Bitis.Benchmarks;

/// <summary>
/// How much a second thread helps, for one image and for a batch, and how long the first answer of a process takes.
/// Both settings take turns.
/// </summary>
internal static class ThreadsBenchmark
{
    private const int Rounds = 15, Batch = 16;

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
            oneTimes.Sort();
            twoTimes.Sort();
            double single = oneTimes[Rounds / 2] / batch.Shape[0], both = twoTimes[Rounds / 2] / batch.Shape[0];
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
