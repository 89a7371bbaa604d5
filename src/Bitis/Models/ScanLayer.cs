using Bitis.Graphs;

namespace Bitis.Models;

/// <summary>One direction of a block's scans: the projections to Δ, B and C, and the selective scan.</summary>
internal static class ScanLayer
{
    /// <summary>
    /// Adds the nodes, <c>[L, E]</c> to <c>[L, E]</c>, with R the rank of the projection to Δ and N the states.
    /// </summary>
    /// <param name="graph">The graph.</param>
    /// <param name="name">The mixer's name.</param>
    /// <param name="suffix">What the names of this direction end in.</param>
    /// <param name="u">The input, after the convolution.</param>
    /// <param name="rank">R.</param>
    /// <param name="states">N.</param>
    /// <param name="aLog">The name of A's logarithm within the mixer; null for <c>A_log</c> and the suffix.</param>
    public static Node Add(
        GraphBuilder graph, string name, string suffix, Node u, int rank, int states, string? aLog = null)
    {
        int inner = u.Shape[1];
        string xProj = $"{name}.x_proj{suffix}";
        Node projected = graph.Linear(xProj, u, rank + 2 * states, hasBias: false); // [L, R + 2N]
        Node dt = graph.SliceChannels($"{xProj}.dt", projected, 0, rank);
        Node b = graph.SliceChannels($"{xProj}.B", projected, rank, states); // [L, N]
        Node c = graph.SliceChannels($"{xProj}.C", projected, rank + states, states); // [L, N]

        Node delta = graph.Linear($"{name}.dt_proj{suffix}", dt, inner); // [L, E]
        delta = graph.Softplus($"{name}.delta{suffix}", delta);
        string[] parameters = [$"{name}.{aLog ?? $"A_log{suffix}"}", $"{name}.D{suffix}"];
        return graph.SelectiveScan($"{name}.scan{suffix}", u, delta, b, c, parameters);
    }
}
