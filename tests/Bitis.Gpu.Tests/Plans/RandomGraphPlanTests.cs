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
            if (Check(graph, weights, images, seed) is { } refusal)
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

    /// <summary>What refuses the graph; null if its answers are those of the CPU.</summary>
    private static string? Check(
        Graph graph, Dictionary<string, FloatTensor> weights, FloatTensor images, ulong seed)
    {
        GpuPlan plan;
        try
        {
            plan = GpuPlanBuilder.Build(
                new EmulatedDevice(PtxTarget.Sm80, seed: 7), graph, weights, images: 2, GpuPrecision.Floats);
        }
        catch (BitisException e)
        {
            return e.Message;
        }
        using (plan)
        {
            using InferenceSession session = InferenceSession.Create(VisionModel.FromGraph(graph, weights));
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
            double tolerance = 1e-4 * Math.Max(1e-3, expected.Span.ToArray().Max(Math.Abs));
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
