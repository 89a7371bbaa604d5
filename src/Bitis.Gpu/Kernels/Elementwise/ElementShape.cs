namespace Bitis.Gpu.Kernels.Elementwise;

/// <summary>What the text of an elementwise operation depends on.</summary>
/// <param name="Operation">What is computed.</param>
/// <param name="Rows">The rows of an image in the output.</param>
/// <param name="Columns">The length of a row.</param>
/// <param name="A">The first value.</param>
/// <param name="B">The second value; null for operations of one.</param>
internal sealed record ElementShape(ElementOperation Operation, int Rows, int Columns, ElementTerm A, ElementTerm? B)
{
    /// <summary>What a is multiplied by, where the operation says so.</summary>
    public float Factor { get; init; } = 1;

    /// <summary>What levels are written; null for floats.</summary>
    public LevelShape? Levels { get; init; }

    /// <summary>Whether floats are written as float16.</summary>
    public bool WritesHalves { get; init; }

    /// <summary>The neighbouring elements of a thread: 1, or 2 that lie where they can be read at once.</summary>
    public int AtOnce { get; init; } = 1;

    /// <summary>The distance of rows of the output in elements.</summary>
    public int OutputStride { get; init; } = Columns;
}
