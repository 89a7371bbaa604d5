using Bitis.Graphs;

namespace Bitis.Models;

/// <summary>The rates A = −exp(A_log) of selective scans, which must be float32 as their logarithms are.</summary>
internal static class ScanRates
{
    /// <summary>Checks the rates of a model's scans.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="weights">Its parameters, by name; scans whose A_log is missing are left out.</param>
    /// <exception cref="BitisException">A rate is infinite; the message names the tensor, not the file.</exception>
    public static void Validate(Graph graph, IReadOnlyDictionary<string, FloatTensor> weights)
    {
        foreach (Node node in graph.Nodes)
        {
            if (node.Operator.ScanSize is null
                || !weights.TryGetValue(node.ParameterNames[0], out FloatTensor? logarithms))
            {
                continue;
            }

            foreach (float value in logarithms.Span)
            {
                if (!float.IsFinite(MathF.Exp(value)))
                {
                    throw new BitisException(
                        $"tensor '{node.ParameterNames[0]}' holds {value}; exp of it is more than float32 holds.");
                }
            }
        }
    }
}
