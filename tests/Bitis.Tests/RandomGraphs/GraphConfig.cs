using Bitis.Graphs;
using Bitis.Models;
using Bitis.Tensors;

namespace Bitis.Tests.RandomGraphs;

/// <summary>A family of one: a graph that nobody's config describes, in the place that a config has.</summary>
/// <param name="Graph">The graph.</param>
/// <param name="Weights">Its weights.</param>
internal sealed record GraphConfig(Graph Graph, Dictionary<string, Tensor> Weights) : ModelConfig
{
    /// <inheritdoc />
    public override string Family => "graph";

    /// <inheritdoc />
    public override void Validate()
    {
        // Not limited to images of three channels.
    }

    /// <inheritdoc />
    public override Graph BuildGraph() => Graph;

    /// <inheritdoc />
    public override string Describe() => "a graph";

    /// <inheritdoc />
    internal override Dictionary<string, Tensor> CreateWeights(ulong seed) => Weights;
}
