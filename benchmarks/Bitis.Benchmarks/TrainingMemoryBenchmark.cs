using System.Diagnostics;
using System.Globalization;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Models;
using Bitis.Models.Catalogue;
using Bitis.Tensors;
using Bitis.Training;

namespace Bitis.Benchmarks;

/// <summary>
/// The memory of training steps as the system sees it: each measurement is a process of its own, which trains a model
/// with one method, and says at its end how much memory it had at most.
/// </summary>
internal static class TrainingMemoryBenchmark
{
    /// <summary>
    /// What a child process does; with the method <c>none</c> nothing is trained, to see what the rest takes.
    /// </summary>
    public const string Child = "training-memory";

    private const int Steps = 3, Classes = 10;

    // So many that each of the eight parts of a batch fills a micro-batch of four small images.
    private const int Batch = 32;

    private static readonly string[] Models = ["vim-mini", "vit-mini", "resnet-20", "vim-tiny"];

    /// <summary>Prints a row for each model.</summary>
    /// <param name="policy">What is compared with the exact backward pass, as <see cref="BackwardPolicyText"/> takes
    /// it.</param>
    public static void Run(string policy)
    {
        Console.WriteLine($"peak resident memory of a process that trains on one thread, {Steps} steps of {Batch} "
            + $"images: without the training, exact, by {policy}");
        foreach (string model in Models)
        {
            Answer none = Ask(model, "none"), exact = Ask(model, "exact"), hlq = Ask(model, policy);
            double before = exact.Peak - none.Peak, after = hlq.Peak - none.Peak;
            Console.WriteLine(
                $"  {model,-10} {none.Peak,6:F1}   {exact.Peak,6:F1}   {hlq.Peak,6:F1} MiB; the training {before:F1} "
                + $"to {after:F1} MiB ({after / before:P0}); "
                + $"kept inputs of linear and convolutional layers {exact.Kept:F2} to {hlq.Kept:F2} MiB "
                + $"({hlq.Kept / exact.Kept:P0})");
        }
    }

    /// <summary>A child: prints its peak of memory and the kept inputs, in bytes.</summary>
    public static void RunChild(string model, string method)
    {
        ModelConfig config = ModelCatalogue.Variants.FirstOrDefault(variant => variant.Name == model)?.Config
            ?? SmallModels.Get(model, Classes);
        VisionModel trained = VisionModel.CreateRandom(config, seed: 1);
        Graph tiny = Tiny();
        Train(
            tiny,
            tiny.Parameters.ToDictionary(parameter => parameter.Name, parameter => new FloatTensor(parameter.Shape)),
            "hlq");
        long kept = method == "none" ? 0 : Train(trained.Graph, trained.Weights, method);
        using var process = Process.GetCurrentProcess();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{process.PeakWorkingSet64} {kept}"));
    }

    /// <summary>Trains, and returns the bytes of kept inputs.</summary>
    private static long Train(Graph graph, IReadOnlyDictionary<string, FloatTensor> weights, string method)
    {
        FloatTensor images = new(graph.Input.Shape.Prepend(Batch)), targets = new([Batch, graph.Output.Shape[0]]);
        var random = new SeededRandom(2);
        foreach (ref float value in images.Span)
            value = (float)random.NextNormal();
        for (int i = 0; i < Batch; i++)
            targets.Span[(i * targets.Shape[1]) + (i % targets.Shape[1])] = 1;
        using var executor = new GradientExecutor(graph, weights, threads: 1, BackwardPolicyText.Parse(method));
        for (int step = 0; step < Steps; step++)
            executor.Run(images, targets, (ulong)step);
        return executor.KeptInputBytes;
    }

    /// <summary>
    /// A convolution and a linear layer: once they were trained by HLQ, all of its code is in memory, whatever is
    /// measured then.
    /// </summary>
    private static Graph Tiny()
    {
        var b = new GraphBuilder([3, 8, 8]);
        Node x = b.Add(
            "tokens", new FlattenSpatial(), b.Add("stem", new Conv2d(3, 64, 1, 1, 0, HasBias: true), b.Input));
        x = b.Add("linear", new Linear(64, 64, HasBias: true), b.Add("conv", new GridConv2d(64, 64, 8, 8, 3, 1, 1), x));
        return b.Build(b.Add("head", new Linear(64, Classes, HasBias: true), b.Add("mean", new MeanTokens(), x)));
    }

    private static Answer Ask(string model, string method)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [.. Host(), Child, model, method])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        using Process process = Process.Start(start)!;
        string[] words = process.StandardOutput.ReadToEnd().Split(' ');
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException(
                $"Training {model} with {method} ended with exit code {process.ExitCode}.");
        }

        const double MiB = 1 << 20;
        return new Answer(
            long.Parse(words[0], CultureInfo.InvariantCulture) / MiB,
            long.Parse(words[1], CultureInfo.InvariantCulture) / MiB);
    }

    /// <summary>Under <c>dotnet</c>, the program itself is its first argument.</summary>
    private static string[] Host() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
            ? [typeof(TrainingMemoryBenchmark).Assembly.Location]
            : [];

    /// <summary>In MiB.</summary>
    private sealed record Answer(double Peak, double Kept);
}
