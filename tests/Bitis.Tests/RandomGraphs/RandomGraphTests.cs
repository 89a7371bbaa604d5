using System.Diagnostics;

namespace Bitis.Tests.RandomGraphs;

public sealed class RandomGraphTests(Xunit.Abstractions.ITestOutputHelper output)
{
    [Fact]
    public void Probe()
    {
        var watch = Stopwatch.StartNew();
        var counts = new Dictionary<string, int>();
        var kinds = new Dictionary<string, int>();
        var sizes = new int[30];
        TimeSpan generating = default;
        for (ulong seed = 0; seed < 20000; seed++)
        {
            long t = Stopwatch.GetTimestamp();
            GraphSpec spec = GraphGenerator.Generate(seed);
            generating += Stopwatch.GetElapsedTime(t);
            sizes[spec.Operators]++;
            foreach (NodeSpec node in spec.Nodes)
                kinds[node.Operator.Kind] = kinds.GetValueOrDefault(node.Operator.Kind) + 1;
            Finding? f = GraphChecks.Session(new GraphCase(spec, seed));
            string key = f is null ? "ok" : $"{f.Kind} {f.Signature}";
            counts[key] = counts.GetValueOrDefault(key) + 1;
            if (f is not null && counts[key] < 3)
                output.WriteLine($"{seed}: {f.Kind} {f.Signature} {f.Detail}: " + string.Join(" | ", spec.Nodes.Select((n, i) => $"{i}={n.Operator.Kind}({string.Join(",", n.Inputs)})")));
        }
        output.WriteLine($"{watch.Elapsed.TotalSeconds} s, generating {generating.TotalSeconds}");
        foreach (var p in counts) output.WriteLine($"{p.Value} {p.Key}");
        output.WriteLine(string.Join(" ", sizes));
        output.WriteLine(string.Join(", ", kinds.OrderBy(k => k.Value).Select(k => $"{k.Key} {k.Value}")));
    }
}
