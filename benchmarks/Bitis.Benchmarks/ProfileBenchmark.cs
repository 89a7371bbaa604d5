using Bitis.Execution.Planning;

namespace Bitis.Benchmarks;

/// <summary>
/// Where the time of one image goes on one thread: a published variant with random weights, in float32 and integers.
/// </summary>
internal static class ProfileBenchmark
{
    private const int Runs = 31, WarmUp = 5;

    private static readonly string[] Bits = ["w8a8", "w7a8", "w4a8"];

    private static readonly Scope[] Scopes = [Scope.Linear, Scope.Ssm, Scope.Full];

    public static void Run(string variant)
    {
        VisionModel model = RandomModel.Create(variant);
        FloatTensor image = RandomModel.Images(model, 1);
        var options = new SessionOptions { Threads = 1 };
        (string Name, InferenceSession Session, long FileBytes)[] models =
        [
            ("float32", InferenceSession.Create(model, options), FileBytes(file => model.Save(file))),
            .. Scopes.SelectMany(scope => Bits.Select(bits =>
            {
                QuantizedModel quantized = RandomModel.Quantize(model, bits, scope);
                return (
                    RandomModel.NameOf(bits, scope),
                    InferenceSession.Create(quantized, options),
                    FileBytes(file => quantized.Save(file)));
            })),
        ];
        // The models take turns.
        var runs = Array.ConvertAll(models, _ => new List<IReadOnlyList<OperationTime>>());
        for (int run = -WarmUp; run < Runs; run++)
        {
            for (int i = 0; i < models.Length; i++)
            {
                IReadOnlyList<OperationTime> times = models[i].Session.Profile(image);
                if (run >= 0)
                    runs[i].Add(times);
            }
        }
        Console.WriteLine($"{variant}, one image, one thread; medians of {Runs} runs, ms");
        double[] totals = [.. models.Select((entry, i) => Print(entry.Name, entry.Session, runs[i]))];
        for (int i = 0; i < models.Length; i++)
        {
            Console.WriteLine(
                $"{models[i].Name}: {totals[0] / totals[i]:F2} times as fast as float32; file "
                + $"{models[i].FileBytes / 1e6:F2} MB, "
                + $"{(double)models[i].FileBytes / models[0].FileBytes:F3} of float32; packed weights "
                + $"{models[i].Session.WeightBytes / 1e6:F2} MB, "
                + $"{(double)models[i].Session.WeightBytes / models[0].Session.WeightBytes:F3}.");
        }
        foreach ((_, InferenceSession session, _) in models)
            session.Dispose();
    }

    /// <summary>The size of the file that a model is saved to.</summary>
    private static long FileBytes(Action<string> save)
    {
        string folder = Directory.CreateTempSubdirectory("bitis-profile-").FullName;
        try
        {
            string file = Path.Combine(folder, "model");
            save(file);
            return new FileInfo(file).Length;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static double Print(string title, InferenceSession session, List<IReadOnlyList<OperationTime>> runs)
    {
        double[] times =
            [.. runs[0].Select((_, step) => Median([.. runs.Select(run => run[step].Time.TotalMilliseconds)]))];
        Console.WriteLine($"{title}: {times.Sum():F2} ms, arena {session.Plan.Layout.Bytes / 1024} KiB");
        var kinds = runs[0].Zip(times, (step, time) => (Kind: KindOf(step), Time: time)).GroupBy(step => step.Kind)
            .Select(group => (Kind: group.Key, Count: group.Count(), Time: group.Sum(step => step.Time)));
        foreach ((string kind, int count, double time) in kinds.OrderByDescending(kind => kind.Time))
            Console.WriteLine($"  {kind,-28} {count,4}× {time,8:F3} {time / times.Sum(),7:P1}");
        return times.Sum();
    }

    /// <summary>The kind of step; linear layers by their name in the block.</summary>
    private static string KindOf(OperationTime step) =>
        step.Kind.Contains("linear", StringComparison.Ordinal)
            ? $"{step.Kind} {step.Node[(step.Node.LastIndexOf('.') + 1)..]}"
            : step.Kind;

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return values[values.Length / 2];
    }
}
