namespace Bitis.Graphs.Operators;

/// <summary>Which place of a grid each token of a value shows, in the value's own order.</summary>
/// <remarks>
/// In contrast to <see cref="GridLayout"/>, it follows tokens into other orders, such as those of scans.
/// </remarks>
/// <param name="Height">The grid's height.</param>
/// <param name="Width">Its width.</param>
/// <param name="Places">The place of each token, row by row.</param>
internal sealed record TokenPlaces(int Height, int Width, IReadOnlyList<int> Places)
{
    /// <summary>Tokens that are the places of a grid, row by row.</summary>
    public static TokenPlaces Grid(int height, int width) =>
        new(height, width, [.. Enumerable.Range(0, height * width)]);
}
