namespace Bitis.Runtime;

/// <summary>
/// A graph compiled for one image: steps in order, and the size of the arena that all intermediate values share.
/// A plan is read-only; any number of arenas may run it at once.
/// </summary>
internal sealed class Plan(IReadOnlyList<Step> steps, ArenaMatrix input, ArenaMatrix output, long arenaBytes) : IDisposable
{
    /// <summary>The steps, in order.</summary>
    public IReadOnlyList<Step> Steps { get; } = steps;

    /// <summary>Where the image goes.</summary>
    public ArenaMatrix Input { get; } = input;

    /// <summary>Where the answer is.</summary>
    public ArenaMatrix Output { get; } = output;

    /// <summary>The bytes that one image needs for its values.</summary>
    public long ArenaBytes { get; } = arenaBytes;

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (Step step in Steps)
            step.Dispose();
    }
}
