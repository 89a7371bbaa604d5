using Bitis.Graphs;
using Bitis.Tensors;

namespace Bitis.Models.Detection;

/// <summary>The tensors of an official checkpoint beside the parameters of a graph.</summary>
/// <remarks>
/// Most are the same; where the official code keeps what several operators need in one tensor, a parameter is a part of
/// it.
/// </remarks>
internal sealed class CheckpointLayout
{
    private readonly Func<string, CheckpointPart> _partOf;
    private readonly Graph _graph;

    /// <summary>The layout of a model.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="graph">Its graph.</param>
    public CheckpointLayout(ModelConfig config, Graph graph)
        : this(config, graph, isNamedByGraph: false)
    {
    }

    /// <summary>The layout of a model, or of what a training writes.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="graph">Its graph.</param>
    /// <param name="isNamedByGraph">Whether each tensor is a parameter of the graph, under its name.</param>
    internal CheckpointLayout(ModelConfig config, Graph graph, bool isNamedByGraph)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(graph);
        _partOf = isNamedByGraph ? name => new CheckpointPart(name) : config.PartOf;
        _graph = graph;
        var tensors = new Dictionary<string, Shape>();
        foreach ((string name, Shape shape) in graph.Parameters)
        {
            CheckpointPart part = _partOf(name);
            tensors[part.Tensor] = part switch
            {
                { Count: 1 } => shape,
                { IsStacked: true } => shape.Prepend(part.Count),
                _ => shape.DropFirst().Prepend(part.Count * shape[0]),
            };
        }
        Tensors = tensors;
    }

    /// <summary>The tensors that a checkpoint must have: name and shape.</summary>
    public IReadOnlyDictionary<string, Shape> Tensors { get; }

    /// <summary>
    /// Whether a tensor of some shape is the expected one: matrices may be written as convolutions of 1×1.
    /// </summary>
    public bool Fits(string name, Shape found)
    {
        Shape expected = Tensors[name];
        return found == expected || (expected.Rank == 2 && found == [.. expected.Sizes, 1, 1]);
    }

    /// <summary>The graph's parameters, from the tensors of a checkpoint.</summary>
    /// <param name="read">Reads a tensor; called once for each of <see cref="Tensors"/>.</param>
    public Dictionary<string, FloatTensor> Split(Func<string, FloatTensor> read)
    {
        Dictionary<string, FloatTensor> tensors = Tensors.Keys.ToDictionary(name => name, read);
        return _graph.Parameters.ToDictionary(parameter => parameter.Name, parameter =>
        {
            CheckpointPart part = _partOf(parameter.Name);
            FloatTensor whole = tensors[part.Tensor];
            int length = whole.Length / part.Count;
            return part.Count == 1
                ? whole.Reshape(parameter.Shape)
                : FloatTensor.From(parameter.Shape, whole.Span.Slice(part.Index * length, length));
        });
    }

    /// <summary>The tensors of a checkpoint, from the graph's parameters.</summary>
    public Dictionary<string, FloatTensor> Join(IReadOnlyDictionary<string, FloatTensor> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        var tensors = new Dictionary<string, FloatTensor>();
        foreach ((string name, _) in _graph.Parameters)
        {
            CheckpointPart part = _partOf(name);
            if (part.Count == 1)
            {
                tensors.Add(part.Tensor, parameters[name]);
                continue;
            }
            if (!tensors.TryGetValue(part.Tensor, out FloatTensor? whole))
                tensors.Add(part.Tensor, whole = FloatTensor.Uninitialized(Tensors[part.Tensor]));
            parameters[name].Span.CopyTo(whole.Span[(part.Index * parameters[name].Length)..]);
        }
        return tensors;
    }
}
