using Bitis.Models;
using Bitis.Quantization;
using Bitis.Runtime;
using Bitis.Tensors;

namespace Bitis.Benchmarks;

/// <summary>Where the time of one image goes: a published variant with random weights, in float32, W8A8 and W4A8, on one thread.</summary>
internal static class ProfileBenchmark
{
    private const int Runs = 31, WarmUp = 5;

    private static readonly string[] Bits = ["w8a8", "w4a8"];

    public static void Run(string variant)
    {
        VisionModel model = VisionModel.CreateRandom(ModelCatalogue.Get(variant).Config, seed: 1);
        Tensor image = RandomImage(model.Config.InputShape.Prepend(1));
        var options = new SessionOptions { Threads = 1 };
        (string Name, InferenceSession Session)[] models =
        [
            ("float32", InferenceSession.Create(model, options)),
            .. Bits.Select(bits => (bits, InferenceSession.Create(Quantize(model, image, bits, Scope.Linear), options))),
            .. Bits.Select(bits => ($"{bits} ssm", InferenceSession.Create(Quantize(model, image, bits, Scope.Ssm), options))),
        ];
        // The models take turns.
        var runs = Array.ConvertAll(models, _ => new List<IReadOnlyList<StepTime>>());
        for (int run = -WarmUp; run < Runs; run++)
        {
            for (int i = 0; i < models.Length; i++)
            {
                IReadOnlyList<StepTime> times = models[i].Session.Profile(image);
                if (run >= 0)
                    runs[i].Add(times);
            }
        }
        Console.WriteLine($"{variant}, one image, one thread; medians of {Runs} runs, ms");
        double[] totals = [.. models.Select((entry, i) => Print(entry.Name, entry.Session, runs[i]))];
        for (int i = 1; i < models.Length; i++)
            Console.WriteLine($"{models[i].Name} is {totals[0] / totals[i]:F2} times as fast as float32.");
        foreach ((_, InferenceSession session) in models)
            session.Dispose();
    }

    private static QuantizedModel Quantize(VisionModel model, Tensor image, string bits, Scope scope) =>
        PostTrainingQuantizer.Quantize(model, [image], RecipeFor(BitWidths.Parse(bits), scope));

    /// <summary>Plain layers; scans with <c>qmamba+</c>'s grids. What is not learned or smoothed does not change the time.</summary>
    private static Recipe RecipeFor(BitWidths bits, Scope scope) => scope == Scope.Linear
        ? new() { Method = "minmax", Bits = bits }
        : new() { Method = "qmamba+", Bits = bits, Scope = scope, ActivationGranularity = Granularity.PerTensor, Smoothing = false, Learning = new() { Steps = 0 } };

    private static double Print(string title, InferenceSession session, List<IReadOnlyList<StepTime>> runs)
    {
        double[] times = [.. runs[0].Select((_, step) => Median([.. runs.Select(run => run[step].Time.TotalMilliseconds)]))];
        Console.WriteLine($"{title}: {times.Sum():F2} ms, arena {session.Plan.ArenaBytes / 1024} KiB");
        var kinds = runs[0].Zip(times, (step, time) => (Kind: KindOf(step), Time: time)).GroupBy(step => step.Kind)
            .Select(group => (Kind: group.Key, Count: group.Count(), Time: group.Sum(step => step.Time)));
        foreach ((string kind, int count, double time) in kinds.OrderByDescending(kind => kind.Time))
            Console.WriteLine($"  {kind,-28} {count,4}× {time,8:F3} {time / times.Sum(),7:P1}");
        return times.Sum();
    }

    /// <summary>The kind of step; linear layers by their name in the block.</summary>
    private static string KindOf(StepTime step) =>
        step.Kind.StartsWith("linear", StringComparison.Ordinal) ? $"{step.Kind} {step.Node[(step.Node.LastIndexOf('.') + 1)..]}" : step.Kind;

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return values[values.Length / 2];
    }

    private static Tensor RandomImage(Shape shape)
    {
        var random = new SeededRandom(2);
        var images = new Tensor(shape);
        foreach (ref float value in images.Span)
            value = (float)random.NextNormal();
        return images;
    }
}
