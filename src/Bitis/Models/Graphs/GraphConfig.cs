using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;

namespace Bitis.Models.Graphs;

/// <summary>
/// An architecture that is its graph, operator by operator: files carry all of it, so that it runs where nobody knows
/// who wrote it.
/// </summary>
internal sealed record GraphConfig : ModelConfig
{
    /// <summary>The version of the form in which files have a graph.</summary>
    internal const int FormatVersion = 1;

    /// <summary>The most numbers that a value may be for one image: 1 GiB.</summary>
    private const long MaxValueSize = 1 << 28;

    private const int MaxNodes = 1 << 14;

    /// <summary>An architecture whose values are still to be set; files are read through it.</summary>
    [JsonConstructor]
    internal GraphConfig()
    {
    }

    /// <summary>The architecture that a graph is.</summary>
    /// <param name="graph">Takes a square image, and answers with a logit for each class.</param>
    /// <exception cref="BitisException">It takes or answers something else.</exception>
    [SetsRequiredMembers]
    public GraphConfig(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        if (graph.Input.Shape is not { Rank: 3 } image || image[1] != image[2])
        {
            throw new BitisException(
                $"The graph takes {graph.Input.Shape}; expected a square image, [channels, size, size].");
        }
        if (graph.Output.Shape.Rank != 1)
        {
            throw new BitisException(
                $"The graph's output '{graph.Output.Name}' is {graph.Output.Shape}; expected logits, [classes].");
        }
        (ImageChannels, ImageSize, Classes) = (image[0], image[1], graph.Output.Shape[0]);
        InputName = graph.Input.Name;
        Nodes = [.. graph.Nodes.Skip(1).Select(Describe)];
        Output = graph.Output.Name;
        Validate();
    }

    /// <inheritdoc />
    [JsonIgnore]
    public override string Family => "Graph";

    /// <summary>The version of the form.</summary>
    [JsonInclude]
    internal int Version { get; init; } = FormatVersion;

    /// <summary>The name of the image.</summary>
    [JsonInclude]
    internal string InputName { get; init; } = "";

    /// <summary>All nodes but the image, each after its inputs.</summary>
    [JsonInclude]
    internal IReadOnlyList<GraphNode> Nodes { get; init; } = [];

    /// <summary>The name of the node whose value is the answer.</summary>
    [JsonInclude]
    internal string Output { get; init; } = "";

    /// <inheritdoc />
    public override void Validate()
    {
        base.Validate();
        if (Version != FormatVersion)
        {
            throw new BitisException(
                $"The model's graph is of version {Version}; this version of Bitis reads version {FormatVersion}.");
        }
        Require(Nodes.Count, 1, MaxNodes, "number of nodes");
        BuildGraph();
    }

    /// <inheritdoc />
    /// <exception cref="BitisException">The nodes are no graph; the message names the first that does not
    /// fit.</exception>
    public override Graph BuildGraph()
    {
        var builder = new GraphBuilder(InputShape, InputName);
        var byName = new Dictionary<string, Node> { [InputName] = builder.Input };
        foreach (GraphNode node in Nodes)
            byName[node.Name] = Add(builder, node, byName);
        if (!byName.TryGetValue(Output, out Node? output))
            throw new BitisException($"The graph's output '{DisplayText.Of(Output)}' is none of its nodes.");
        if (output.Shape != [Classes])
        {
            throw new BitisException($"The graph's output '{DisplayText.Of(Output)}' is {output.Shape}; "
                + $"expected a logit for each of {DisplayText.Count(Classes, "class")}.");
        }
        return builder.Build(output);
    }

    /// <inheritdoc />
    public override ModelConfig WithClasses(int classes)
    {
        if (classes == Classes)
            return this;
        GraphNode head = Nodes.First(node => node.Name == Output);
        if (head.Operator.WithOutputs(classes) is not { } layer)
        {
            throw new BitisException($"The graph's output '{DisplayText.Of(Output)}' is no linear layer: "
                + $"it cannot be made for {DisplayText.Count(classes, "class")}.");
        }
        GraphNode other = head with { Operator = layer };
        return this with { Classes = classes, Nodes = [.. Nodes.Select(node => node.Name == Output ? other : node)] };
    }

    /// <inheritdoc />
    public override string Describe()
    {
        int blocks = Nodes.Max(node => node.Block + 1) ?? 0;
        int scans = Nodes.Count(node => node.Operator.ScanSize is not null);
        return $"{DisplayText.Count(Nodes.Count, "operator")}, {scans} of them scans, in "
            + $"{DisplayText.Count(blocks, "block")}; "
            + $"images {ImageSize}×{ImageSize} of {DisplayText.Count(ImageChannels, "channel")}; "
            + $"{DisplayText.Count(Classes, "class")}";
    }

    /// <summary>Whether two architectures are the same, node by node.</summary>
    public bool Equals(GraphConfig? other) =>
        base.Equals(other)
        && (InputName, Output, Version) == (other.InputName, other.Output, other.Version)
        && Nodes.SequenceEqual(other.Nodes);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(base.GetHashCode(), Nodes.Count, Output);

    private static GraphNode Describe(Node node)
    {
        bool isNamedByRule = node.ParameterNames.SequenceEqual(GraphBuilder.ParameterNames(node.Name, node.Operator));
        IReadOnlyList<string>? parameters = isNamedByRule ? null : node.ParameterNames;
        return new(node.Name, node.Operator, [.. node.Inputs.Select(input => input.Name)], parameters, node.Block);
    }

    private static Node Add(GraphBuilder builder, GraphNode node, Dictionary<string, Node> byName)
    {
        var inputs = new Node[node.Inputs.Count];
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = byName.GetValueOrDefault(node.Inputs[i]) ?? throw new BitisException(
                $"The graph's node '{DisplayText.Of(node.Name)}' takes '{DisplayText.Of(node.Inputs[i])}', "
                + "which is no node before it.");
        }
        if (node.Block is < 0 or > MaxNodes)
        {
            throw new BitisException(
                $"The graph's node '{DisplayText.Of(node.Name)}' is in block {node.Block}; expected 0 to {MaxNodes}.");
        }
        try
        {
            builder.Block = node.Block;
            Node added = builder.Add(node.Name, node.Operator, inputs, node.Parameters);
            return added.Shape.ElementCount <= MaxValueSize
                ? added
                : throw new BitisException(
                    $"The graph's node '{DisplayText.Of(node.Name)}' is {added.Shape}, more than {MaxValueSize} "
                    + "numbers.");
        }
        catch (ArgumentException e)
        {
            throw new BitisException($"The graph's node '{DisplayText.Of(node.Name)}' does not fit: {e.Message}", e);
        }
    }
}
