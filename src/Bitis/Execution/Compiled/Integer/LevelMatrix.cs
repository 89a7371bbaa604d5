using Bitis.Execution.Planning;

namespace Bitis.Execution.Compiled.Integer;

/// <summary>Levels of a value in the arena, a byte each, <c>[rows, columns]</c>.</summary>
/// <param name="Block">The memory.</param>
/// <param name="Columns">The length of a row.</param>
internal readonly record struct LevelMatrix(ArenaBlock Block, int Columns)
{
    /// <summary>The distance of rows: a whole number of the four-byte groups that the kernels read.</summary>
    public int Stride => CompiledIntegerLinear.LevelStride(Columns);
}
