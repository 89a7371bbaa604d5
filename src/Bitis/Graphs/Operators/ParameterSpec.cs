using Bitis.Tensors;

namespace Bitis.Graphs.Operators;

/// <summary>A parameter that an operator needs.</summary>
/// <param name="Role">
/// Its name within the operator, as in the official modules: <c>weight</c>, <c>bias</c>, <c>A_log</c>.
/// </param>
/// <param name="Shape">Its shape in the official checkpoint.</param>
internal sealed record ParameterSpec(string Role, Shape Shape)
{
    /// <summary>Whether a training changes it. Statistics of an earlier training stay as they are.</summary>
    public bool Learns { get; init; } = true;
}
