using Bitis.Graphs;
using Bitis.Operators;

namespace Bitis.Models;

/// <summary>One direction of a block's scans: the projections to Δ, B and C, and the selective scan.</summary>
internal static class ScanLayer
{
    /// <summary>Adds the nodes, <c>[L, E]</c> to <c>[L, E]</c>, with R the rank of the projection to Δ and N the states.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="name">The mixer's name.</param>
    /// <param name="suffix">What the names of this direction end in.</param>
    /// <param name="u">The input, after the convolution.</param>
    /// <param name="rank">R.</param>
    /// <param name="states">N.</param>
    /// <param name="aLog">The name of A's logarithm within the mixer; null for <c>A_log</c> and the suffix.</param>
    public static Node Add(GraphBuilder graph, string name, string suffix, Node u, int rank, int states, string? aLog = null)
    {
        int inner = u.Shape[1];
        string xProj = $"{name}.x_proj{suffix}";
        Node projected = graph.Add(xProj, new Linear(inner, rank + 2 * states, HasBias: false), u); // [L, R + 2N]
        Node dt = graph.Add($"{xProj}.dt", new SliceChannels(0, rank), projected);
        Node b = graph.Add($"{xProj}.B", new SliceChannels(rank, states), projected); // [L, N]
        Node c = graph.Add($"{xProj}.C", new SliceChannels(rank + states, states), projected); // [L, N]

        Node delta = graph.Add($"{name}.dt_proj{suffix}", new Linear(rank, inner, HasBias: true), dt); // [L, E]
        delta = graph.Add($"{name}.delta{suffix}", new Softplus(), delta);
        string[] parameters = [$"{name}.{aLog ?? $"A_log{suffix}"}", $"{name}.D{suffix}"];
        return graph.Add($"{name}.scan{suffix}", new SelectiveScan(inner, states), [u, delta, b, c], parameters);
    }
}
