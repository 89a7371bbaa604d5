using Bitis.Tensors;

namespace Bitis.Cli.Output.Parts;

/// <summary>A tensor of a model file.</summary>
internal sealed record TensorLine(string Name, string Type, Shape Shape)
{
    /// <summary>Writes tensors as a table.</summary>
    public static void Describe(Report report, IReadOnlyList<TensorLine>? tensors)
    {
        if (tensors is null)
            return;
        report.Line();
        report.Table(
            ["tensor", "type", "shape"],
            tensors.Select(tensor => (string[])[tensor.Name, tensor.Type, $"{tensor.Shape}"]));
    }
}
