using System.Text.RegularExpressions;
using Bitis.Graphs;
using Bitis.Tensors;

namespace Bitis.Tests.RandomGraphs;

/// <summary>The comparisons that a graph goes through; each gives what it found, or null if all is well.</summary>
internal static partial class GraphChecks
{
    private const double Tolerance = 1e-3;

    /// <summary>All checks by name, in the order in which they are explained.</summary>
    public static IReadOnlyDictionary<string, Func<GraphCase, Finding?>> All { get; } = new Dictionary<string, Func<GraphCase, Finding?>>
    {
        ["session"] = Session,
    };

    /// <summary>A session's answers are the reference's.</summary>
    public static Finding? Session(GraphCase graph) =>
        Guarded(graph, () => Compare(graph, GraphModels.Session(graph.Graph, graph.Weights, graph.Images)));

    private static Finding? Compare(GraphCase graph, Tensor actual)
    {
        Tensor expected = graph.Reference;
        double largest = 0, difference = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs(expected.Span[i]));
            double distance = Math.Abs((double)expected.Span[i] - actual.Span[i]);
            difference = distance > difference || double.IsNaN(distance) ? distance : difference;
        }
        if (difference <= Tolerance * largest)
            return null;
        if (!double.IsFinite(largest))
            return new Finding(FindingKind.Undecided, "the reference is not finite", "");
        return new Finding(FindingKind.Difference, "difference", $"{difference / largest:g3} of the largest value");
    }

    /// <summary>Runs a check; an exception becomes a finding.</summary>
    private static Finding? Guarded(GraphCase graph, Func<Finding?> check)
    {
        try
        {
            return check();
        }
        catch (Exception e)
        {
            bool namesNode = graph.Graph.Nodes.Any(node => e.Message.Contains($"'{node.Name}'", StringComparison.Ordinal));
            bool isRefusal = e is BitisException or NotSupportedException && namesNode;
            string message = Numbers().Replace(Quoted().Replace(e.Message, "'...'"), "#");
            string place = e.StackTrace?.Split('\n').FirstOrDefault(line => line.Contains("Bitis.", StringComparison.Ordinal))?.Trim() ?? "";
            place = Place().Match(place).Groups[1].Value;
            return isRefusal
                ? new Finding(FindingKind.Refusal, message, e.Message)
                : new Finding(FindingKind.Crash, $"{e.GetType().Name}: {message} ({place})", e.ToString());
        }
    }

    [GeneratedRegex("'[^']*'", RegexOptions.None, 1000)]
    private static partial Regex Quoted();

    [GeneratedRegex("[0-9]+", RegexOptions.None, 1000)]
    private static partial Regex Numbers();

    [GeneratedRegex(@"at (Bitis\.[^(]*)", RegexOptions.None, 1000)]
    private static partial Regex Place();
}
