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
    private const int Runs = 31, WarmUp = 5;

    public static void Run(string variant)
    {
        VisionModel model = VisionModel.CreateRandom(ModelCatalogue.Get(variant).Config, seed: 1);
        Tensor images = RandomImages(model.Config.InputShape.Prepend(2));
        QuantizedModel quantized = PostTrainingQuantizer.Quantize(model, [images], new Recipe { Method = "minmax" });
        using InferenceSession float32 = InferenceSession.Create(model), int8 = InferenceSession.Create(quantized);
        double[][] times = Times([float32.Plan, int8.Plan], images);
        double[] floatTimes = times[0], int8Times = times[1];
        Console.WriteLine($"{variant}, one image, one thread; medians of {Runs} runs, ms");
        Print("float32", float32.Plan, floatTimes);
        Print("w8a8", int8.Plan, int8Times);
        Console.WriteLine($"w8a8 is {floatTimes.Sum() / int8Times.Sum():F2} times as fast as float32.");
    }

    /// <summary>The median time of each step of each plan, in milliseconds; the plans take turns.</summary>
    private static double[][] Times(Plan[] plans, Tensor images)
    {
        var samples = Array.ConvertAll(plans, plan => plan.Steps.Select(_ => new double[Runs]).ToArray());
        NativeBuffer<byte>[] arenas = Array.ConvertAll(plans, plan => new NativeBuffer<byte>((int)plan.ArenaBytes));
        for (int run = -WarmUp; run < Runs; run++)
        {
            for (int i = 0; i < plans.Length; i++)
                RunOnce(plans[i], arenas[i], images, (step, time) => samples[i][step][Math.Max(run, 0)] = time);
        }
        Array.ForEach(arenas, arena => arena.Dispose());
        return Array.ConvertAll(samples, plan => Array.ConvertAll(plan, Median));
    }

    private static unsafe void RunOnce(Plan plan, NativeBuffer<byte> arena, Tensor images, Action<int, double> record)
    {
        nint address = (nint)arena.Pointer;
        int imageLength = images.Length / images.Shape[0];
        images.Span[..imageLength].CopyTo(new Span<float>(plan.Input.Pointer(address), imageLength));
        for (int step = 0; step < plan.Steps.Count; step++)
        {
            long start = Stopwatch.GetTimestamp();
            plan.Steps[step].Run(address, 0, plan.Steps[step].Units);
            record(step, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
    }

    private static void Print(string title, Plan plan, double[] times)
    {
        Console.WriteLine($"{title}: {times.Sum():F2} ms, arena {plan.ArenaBytes / 1024} KiB");
        var kinds = plan.Steps.Zip(times, (step, time) => (Kind: KindOf(step), Time: time)).GroupBy(step => step.Kind)
            .Select(group => (Kind: group.Key, Count: group.Count(), Time: group.Sum(step => step.Time)));
        foreach ((string kind, int count, double time) in kinds.OrderByDescending(kind => kind.Time))
            Console.WriteLine($"  {kind,-28} {count,4}× {time,8:F3} {time / times.Sum(),7:P1}");
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
