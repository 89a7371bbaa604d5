using Bitis.Graphs;
using Bitis.Tensors;

namespace Bitis.Tests.RandomGraphs;

/// <summary>A graph with weights and images: what a check looks at. Everything follows from the seed.</summary>
internal sealed class GraphCase
{
    private readonly Lazy<FloatTensor> _reference;

    /// <summary>Draws the weights and images of a graph.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="seed">The seed.</param>
    public GraphCase(Graph graph, ulong seed)
    {
        (Graph, Seed) = (graph, seed);
        Weights = GraphWeights.Of(Graph, seed);
        var random = SeededRandom.ForPart(seed, 1);
        Images = GraphWeights.Images(Graph, random.NextInt32(6) == 0 ? 19 : 3, seed); // 19: several images for a lane
        _reference = new Lazy<FloatTensor>(() => GraphModels.Reference(Graph, Weights, Images));
    }

    /// <summary>The seed.</summary>
    public ulong Seed { get; }

    /// <summary>The graph.</summary>
    public Graph Graph { get; }

    /// <summary>Its weights.</summary>
    public Dictionary<string, FloatTensor> Weights { get; }

    /// <summary>Some images.</summary>
    public FloatTensor Images { get; }

    /// <summary>What the operators' own forwards compute.</summary>
    public FloatTensor Reference => _reference.Value;

    /// <summary>A class for each image.</summary>
    public FloatTensor Targets
    {
        get
        {
            int batch = Images.Shape[0], classes = Graph.Output.Shape[0];
            var targets = new FloatTensor([batch, classes]);
            for (int i = 0; i < batch; i++)
                targets.Span[(i * classes) + (i % classes)] = 1;
            return targets;
        }
    }
}
