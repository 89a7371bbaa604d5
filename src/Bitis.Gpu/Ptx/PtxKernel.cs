namespace Bitis.Gpu.Ptx;

/// <summary>A kernel as text, with what a launch has to know.</summary>
/// <param name="Name">The name of the entry.</param>
/// <param name="Text">The whole module.</param>
/// <param name="Threads">The threads of a block.</param>
/// <param name="SharedBytes">The shared memory of a block.</param>
/// <param name="Parameters">The parameters, in order.</param>
internal sealed record PtxKernel(
    string Name, string Text, int Threads, int SharedBytes, IReadOnlyList<ParameterKind> Parameters)
{
    /// <summary>What the text was written for, for cost models; null if it is not known.</summary>
    public object? Shape { get; init; }
}
