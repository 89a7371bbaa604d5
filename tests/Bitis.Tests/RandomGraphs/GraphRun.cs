using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;

namespace Bitis.Tests.RandomGraphs;

/// <summary>A check on many graphs: two at a time, what fails shrunk, and findings of one cause together.</summary>
/// <param name="name">The check's name.</param>
/// <param name="check">The check.</param>
/// <param name="needsLogits">Whether the check asks for an output without tokens.</param>
/// <param name="say">Hears of progress, and the summary.</param>
internal sealed class GraphRun(string name, Func<GraphCase, Finding?> check, bool needsLogits, Action<string> say)
{
    private const int Threads = 2, ShrunkOfEachCause = 40;

    private readonly ConcurrentDictionary<
        (FindingKind Kind, string Cause),
        ConcurrentBag<(ulong Seed, GraphSpec Spec, Finding Finding)>> _findings = new();
    private readonly ConcurrentDictionary<string, int> _shrunk = new();

    /// <summary>
    /// Goes through the graphs of the seeds from 0 on; fails if an answer is wrong, or an exception explains nothing.
    /// </summary>
    /// <param name="count">How many graphs.</param>
    public void Check(int count)
    {
        var watch = Stopwatch.StartNew();
        int done = 0, reported = 0;
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = Threads }, seed =>
        {
            CheckOne((ulong)seed);
            int now = Interlocked.Increment(ref done), seconds = (int)watch.Elapsed.TotalSeconds / 10;
            if (seconds > Volatile.Read(ref reported) && Interlocked.Exchange(ref reported, seconds) < seconds)
            {
                say($"{name}: {now} of {count} graphs, {Of(FindingKind.Difference)} differences, "
                    + $"{Of(FindingKind.Crash)} crashes, {Of(FindingKind.Refusal)} refusals");
            }
        });
        string summary = Summary(count, watch.Elapsed);
        say(summary);
        int faults = Of(FindingKind.Difference) + Of(FindingKind.Crash);
        Assert.True(faults == 0, summary);
        Assert.True(
            Of(FindingKind.Refusal) + Of(FindingKind.Undecided) <= count / 2, $"Most graphs say nothing. {summary}");
    }

    private void CheckOne(ulong seed)
    {
        GraphSpec spec = GraphGenerator.Generate(seed);
        if (needsLogits)
            spec = spec.WithLogits();
        if (check(new GraphCase(spec.Build(), seed)) is not { } finding)
            return;
        string cause = finding.Signature;
        if (finding.Kind is FindingKind.Difference or FindingKind.Crash
            && _shrunk.AddOrUpdate(cause, 1, (_, n) => n + 1) <= Limit(finding))
        {
            (spec, finding) = GraphShrinker.Shrink(
                spec, finding, candidate => check(new GraphCase(candidate.Build(), seed)));
            if (finding.Kind == FindingKind.Difference)
                cause = Kinds(spec);
        }
        _findings.GetOrAdd((finding.Kind, cause), _ => []).Add((seed, spec, finding));
    }

    /// <summary>
    /// Crashes of one place are one cause; what differences have in common is seen in the small graphs only.
    /// </summary>
    private static int Limit(Finding finding) =>
        finding.Kind == FindingKind.Crash ? ShrunkOfEachCause / 10 : int.MaxValue;

    /// <summary>The operators of a small graph, without those that are in all of them.</summary>
    private static string Kinds(GraphSpec spec) => string.Join(" ", spec.Nodes
        .Where(node => node.Operator is not (Input or Linear or Conv2d or FlattenSpatial or SelectToken or MeanTokens))
        .Select(node => node.Operator.Kind)
        .Order(StringComparer.Ordinal));

    private int Of(FindingKind kind) => _findings.Where(pair => pair.Key.Kind == kind).Sum(pair => pair.Value.Count);

    private string Summary(int count, TimeSpan elapsed)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture,
            $"{name}: {count} graphs in {elapsed.TotalSeconds:F1} s, {count / elapsed.TotalSeconds:F0} a second: "
            + $"{Of(FindingKind.Difference)} differences, "
            + $"{Of(FindingKind.Crash)} crashes, {Of(FindingKind.Refusal)} refusals, {Of(FindingKind.Undecided)} "
            + $"undecided.");
        foreach (((FindingKind kind, string cause), var found) in
            _findings.OrderBy(pair => pair.Key.Kind).ThenByDescending(pair => pair.Value.Count))
        {
            (ulong seed, GraphSpec spec, Finding finding) = found.OrderBy(one => one.Spec.Operators).ThenBy(
                one => one.Seed).First();
            text.AppendLine(CultureInfo.InvariantCulture, $"{kind}, {found.Count}: {cause}");
            if (kind is FindingKind.Difference or FindingKind.Crash)
            {
                text.AppendLine(
                    CultureInfo.InvariantCulture,
                    $"  seeds {string.Join(", ", found.Select(one => one.Seed).Order().Take(12))}; the smallest "
                    + $"graph, {finding.Detail}:");
                text.AppendLine(GraphCode.Of(spec, seed));
            }
        }
        return text.ToString();
    }
}
