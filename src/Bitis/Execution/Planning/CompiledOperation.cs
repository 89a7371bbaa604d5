using Bitis.Kernels.Gemm;

namespace Bitis.Execution.Planning;

/// <summary>One piece of a plan: a kernel with its operands' places and its packed weights.</summary>
/// <param name="name">The graph node that the operation computes (the last one, where several are fused).</param>
/// <param name="owned">Packed weights that are freed with the operation; operations of one plan may share them.</param>
internal abstract class CompiledOperation(string name, params IReadOnlyList<IDisposable> owned) : IDisposable
{
    /// <summary>The graph node that the operation computes.</summary>
    public string Name { get; } = name;

    /// <summary>What the operation does, for the profile: <c>linear int8</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>How many rows, or groups of channels, the work can be divided into.</summary>
    public abstract int Units { get; }

    /// <summary>The layer's weights, where the operation is a layer.</summary>
    public IEnumerable<IPackedWeights> Weights => owned.OfType<IPackedWeights>();

    /// <summary>
    /// The operation's output, if its units are rows and no unit reads what another one writes; else null.
    /// </summary>
    /// <remarks>The layer that quantizes these rows may run this operation, a few rows at a time.</remarks>
    public virtual ArenaMatrix? Rows => null;

    /// <summary>Computes a range of the units. Ranges of one operation may run at the same time.</summary>
    /// <param name="arena">The addresses of the blocks.</param>
    /// <param name="start">The first unit.</param>
    /// <param name="end">The unit after the last.</param>
    public abstract void Run(ArenaAddresses arena, int start, int end);

    /// <summary>Frees packed weights.</summary>
    public void Dispose()
    {
        foreach (IDisposable resource in owned)
            resource.Dispose();
    }
}
