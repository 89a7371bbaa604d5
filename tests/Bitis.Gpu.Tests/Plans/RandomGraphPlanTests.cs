using System.Globalization;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Plans;
using Bitis.Gpu.Ptx;
using Bitis.Graphs;
using Bitis.Models;
using Bitis.Tests.RandomGraphs;
using Xunit.Abstractions;

namespace Bitis.Gpu.Tests.Plans;

/// <summary>
/// Graphs that nobody wrote: equal to the CPU's session, or refused by name. <c>BITIS_GRAPHS=n</c> checks n graphs.
/// </summary>
public sealed class RandomGraphPlanTests(ITestOutputHelper output)
{
    private static readonly int Graphs =
        int.TryParse(Environment.GetEnvironmentVariable("BITIS_GRAPHS"), CultureInfo.InvariantCulture, out int graphs)
            ? graphs
            : 150;

    [Fact]
    public void Graphs_equal_the_session_or_are_refused_by_name()
    {
        int equal = 0;
        var refused = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (ulong seed = 0; seed < (ulong)Graphs; seed++)
        {
            Graph graph = GraphGenerator.Generate(seed).WithLogits().Build();
            if (graph.Output.Shape.Rank != 1)
                continue;
            Dictionary<string, FloatTensor> weights = GraphWeights.Of(graph, seed);
            FloatTensor images = GraphWeights.Images(graph, 3, seed);
            string? refusal = Check(
                device => GpuPlanBuilder.Build(device, graph, weights, images: 2, GpuPrecision.Floats),
                () => InferenceSession.Create(VisionModel.FromGraph(graph, weights)), images, seed, tolerance: 1e-4);
            if (refusal is not null)
            {
                // By the name of a node and its kind.
                Assert.StartsWith("The GPU has no kernel for '", refusal, StringComparison.Ordinal);
                int start = refusal.IndexOf("' (", StringComparison.Ordinal) + 3;
                string kind = refusal[start..refusal.IndexOf(')', start)];
                refused[kind] = refused.GetValueOrDefault(kind) + 1;
            }
            else
            {
                equal++;
            }
        }
        string summary = $"{equal} equal; {string.Join(", ", refused.Select(pair => $"{pair.Key} {pair.Value}"))}";
        output.WriteLine(summary);
        Assert.True(equal >= Graphs * 3 / 10, summary);
        // What has kernels of its own is never the reason.
        Assert.Empty(refused.Keys.Intersect(["linear", "layer_norm", "rms_norm", "add", "multiply", "gelu"]));
    }

    /// <remarks>
    /// A third of the graphs, and one whose layers read the pixels' rows. A value near the middle of two levels may
    /// become either.
    /// </remarks>
    [Fact]
    public void Quantized_graphs_equal_the_session_or_are_refused_by_name()
    {
        int equal = 0;
        foreach (ulong seed in Enumerable.Range(0, Graphs / 3).Append(930).Select(i => (ulong)i))
        {
            Graph graph = GraphGenerator.Generate(seed).WithLogits().Build();
            if (graph.Output.Shape.Rank != 1)
                continue;
            FloatTensor images = GraphWeights.Images(graph, 3, seed);
            QuantizedModel model;
            try
            {
                model = PostTrainingQuantizer.Quantize(
                    VisionModel.FromGraph(graph, GraphWeights.Of(graph, seed)), CalibrationSet.FromTensors(images),
                    new Recipe { Method = "minmax", Scope = Scope.Full }, new QuantizationOptions { Threads = 1 });
            }
            catch (BitisException)
            {
                continue; // It has no layers.
            }
            string? refusal = Check(
                device => GpuPlanBuilder.Build(device, model, images: 2),
                () => InferenceSession.Create(model), images, seed, tolerance: 0.05);
            if (refusal is null)
                equal++;
            else
                Assert.StartsWith("The GPU has no kernel for '", refusal, StringComparison.Ordinal);
        }
        output.WriteLine($"{equal} equal");
        Assert.True(equal >= Graphs / 15, $"{equal} equal");
    }

    /// <summary>What refuses the graph; null if its answers are those of the CPU.</summary>
    private static string? Check(
        Func<EmulatedDevice, GpuPlan> build, Func<InferenceSession> open, FloatTensor images, ulong seed,
        double tolerance)
    {
        GpuPlan plan;
        try
        {
            plan = build(new EmulatedDevice(PtxTarget.Sm80, seed: 7));
        }
        catch (BitisException e)
        {
            return e.Message;
        }
        using (plan)
        {
            using InferenceSession session = open();
            FloatTensor expected = session.Run(images);
            var results = new float[expected.Length];
            try
            {
                plan.Run(images.Span, results);
            }
            catch (EmulationException e)
            {
                Assert.Fail($"{seed}: {e.Message}");
            }
            tolerance *= Math.Max(1e-3, expected.Span.ToArray().Max(Math.Abs));
            for (int i = 0; i < results.Length; i++)
            {
                Assert.True(
                    Math.Abs(results[i] - expected.Span[i]) <= tolerance || float.IsNaN(expected.Span[i]),
                    $"{seed}: {results[i]} instead of {expected.Span[i]} at {i}");
            }
        }
        return null;
    }
}
