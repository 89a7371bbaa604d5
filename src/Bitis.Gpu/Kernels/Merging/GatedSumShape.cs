namespace Bitis.Gpu.Kernels.Merging;

/// <summary>What the text of a gated sum of directions depends on.</summary>
/// <param name="Terms">The directions.</param>
/// <param name="Rows">L.</param>
/// <param name="Columns">The length of a token.</param>
internal sealed record GatedSumShape(int Terms, int Rows, int Columns)
{
    /// <summary>The distance of tokens of the directions in elements.</summary>
    public int TermStride { get; init; } = Columns;

    /// <summary>The distance of the gates in elements.</summary>
    public int GateStride { get; init; } = Columns;

    /// <summary>Whether directions are float16; else float32.</summary>
    public bool ReadsHalves { get; init; }

    /// <summary>Whether gates are float16; else float32.</summary>
    public bool GatesAreHalves { get; init; }

    /// <summary>What levels are written; null for floats.</summary>
    public LevelShape? Levels { get; init; }

    /// <summary>Whether floats are written as float16.</summary>
    public bool WritesHalves { get; init; }

    /// <summary>The neighbouring elements of a thread: 1, or 2 that lie where they can be read at once.</summary>
    public int AtOnce { get; init; } = 1;

    /// <summary>The distance of rows of the output in elements.</summary>
    public int OutputStride { get; init; } = Columns;
}
