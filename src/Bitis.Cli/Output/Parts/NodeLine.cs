using Bitis.Graphs;
using Bitis.Tensors;

namespace Bitis.Cli.Output.Parts;

/// <summary>An operator of a model.</summary>
/// <param name="Name">The name that overrides match.</param>
/// <param name="Operator">What it computes.</param>
/// <param name="Shape">The shape of its value for one image.</param>
internal sealed record NodeLine(string Name, string Operator, Shape Shape)
{
    public static IReadOnlyList<NodeLine> Of(Graph graph) =>
        [.. graph.Nodes.Select(node => new NodeLine(node.Name, node.Kind, node.Shape))];

    /// <summary>Writes operators as a table.</summary>
    public static void Describe(Report report, IReadOnlyList<NodeLine>? nodes)
    {
        if (nodes is null)
            return;
        report.Line();
        report.Table(
            ["operator", "kind", "output shape"],
            nodes.Select(node => (string[])[node.Name, node.Operator, $"{node.Shape}"]));
    }
}
