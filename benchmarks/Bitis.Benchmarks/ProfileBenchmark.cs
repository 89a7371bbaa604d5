using System.Diagnostics;
using Bitis.Models;
using Bitis.Quantization;
using Bitis.Runtime;
using Bitis.Runtime.Kernels;
using Bitis.Tensors;

namespace Bitis.Benchmarks;

/// <summary>Where the time of one image goes: a published variant with random weights, in float32 and W8A8, on one thread.</summary>
internal static class ProfileBenchmark
{
    private const int Runs = 31;

    public static void Run(string variant)
    {
        VisionModel model = VisionModel.CreateRandom(ModelCatalogue.Get(variant).Config, seed: 1);
        Tensor images = RandomImages(model.Config.InputShape.Prepend(2));
        QuantizedModel quantized = PostTrainingQuantizer.Quantize(model, [images], new Recipe { Method = "minmax" });
        using InferenceSession float32 = InferenceSession.Create(model), int8 = InferenceSession.Create(quantized);
        double[] floatTimes = Times(float32.Plan, images), int8Times = Times(int8.Plan, images);
        Console.WriteLine($"{variant}, one image, one thread; medians of {Runs} runs, ms");
        Print("float32", float32.Plan, floatTimes);
        Print("w8a8", int8.Plan, int8Times);
        Console.WriteLine($"w8a8 is {floatTimes.Sum() / int8Times.Sum():F2} times as fast as float32.");
    }

    /// <summary>The median time of each step, in milliseconds.</summary>
    private static unsafe double[] Times(Plan plan, Tensor images)
    {
        using var arena = new NativeBuffer<byte>((int)plan.ArenaBytes);
        nint address = (nint)arena.Pointer;
        var samples = new double[plan.Steps.Count][];
        for (int i = 0; i < samples.Length; i++)
            samples[i] = new double[Runs];
        for (int run = -3; run < Runs; run++)
        {
            images.Span[..(images.Length / 2)].CopyTo(new Span<float>(plan.Input.Pointer(address), images.Length / 2));
            for (int i = 0; i < samples.Length; i++)
            {
                long start = Stopwatch.GetTimestamp();
                plan.Steps[i].Run(address, 0, plan.Steps[i].Units);
                if (run >= 0)
                    samples[i][run] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }
        }
        return Array.ConvertAll(samples, Median);
    }

    private static void Print(string title, Plan plan, double[] times)
    {
        Console.WriteLine($"{title}: {times.Sum():F2} ms, arena {plan.ArenaBytes / 1024} KiB");
        foreach (var kind in plan.Steps.Zip(times).GroupBy(pair => KindOf(pair.First)).OrderByDescending(group => group.Sum(pair => pair.Second)))
            Console.WriteLine($"  {kind.Key,-28} {kind.Count(),4}× {kind.Sum(pair => pair.Second),8:F3} {kind.Sum(pair => pair.Second) / times.Sum(),7:P1}");
    }

    /// <summary>The kind of step; linear layers by their name in the block.</summary>
    private static string KindOf(Step step) =>
        step.Kind.StartsWith("linear", StringComparison.Ordinal) ? $"{step.Kind} {step.Name[(step.Name.LastIndexOf('.') + 1)..]}" : step.Kind;

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return values[values.Length / 2];
    }

    private static Tensor RandomImages(Shape shape)
    {
        var random = new SeededRandom(2);
        var images = new Tensor(shape);
        foreach (ref float value in images.Span)
            value = (float)random.NextNormal();
        return images;
    }
}
