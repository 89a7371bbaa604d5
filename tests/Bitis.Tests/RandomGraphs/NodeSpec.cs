using Bitis.Graphs.Operators;

namespace Bitis.Tests.RandomGraphs;

/// <summary>A node of a <see cref="GraphSpec"/>.</summary>
/// <param name="Name">Its name; random weights depend on it, so it stays when other nodes go.</param>
/// <param name="Operator">What it computes.</param>
/// <param name="Inputs">The indices of the nodes that it reads; all are smaller than its own.</param>
/// <param name="Block">Its block; null for none.</param>
/// <param name="ParameterOwner">The name that its parameters have in front of their roles; null for the node's.</param>
internal sealed record NodeSpec(
    string Name, Operator Operator, int[] Inputs, int? Block = null, string? ParameterOwner = null);
