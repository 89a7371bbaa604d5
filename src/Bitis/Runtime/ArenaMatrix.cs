using Bitis.Execution.Planning;

namespace Bitis.Runtime;

/// <summary>
/// A float32 matrix in the arena, or a view of some columns of one. Rows are tokens; a value without tokens has one row.
/// </summary>
/// <param name="Block">The memory.</param>
/// <param name="Start">The first element within the block.</param>
/// <param name="Rows">The number of rows.</param>
/// <param name="Columns">The length of a row.</param>
/// <param name="Stride">The distance of rows in elements.</param>
/// <param name="IsReversed">
/// Whether row r in memory is row <c>Rows − 1 − r</c> of the value. The backward direction of a scan is computed in
/// place, on the tokens as they lie, so that reversing a sequence costs nothing.
/// </param>
/// <param name="RowMap">
/// For each row the row in memory, -1 for a row of zeros; null where they are the same. Only steps that look at it read such a view.
/// </param>
internal readonly record struct ArenaMatrix(
    ArenaBlock Block, int Start, int Rows, int Columns, int Stride, bool IsReversed = false, int[]? RowMap = null)
{
    /// <summary>The view of a range of columns.</summary>
    public ArenaMatrix Slice(int start, int length) => this with { Start = Start + start, Columns = length };

    /// <summary>The same tokens in the opposite order.</summary>
    public ArenaMatrix Reverse() => this with { IsReversed = !IsReversed };

    /// <summary>One row of the value.</summary>
    public ArenaMatrix Row(int row) =>
        this with { Start = Start + (IsReversed ? Rows - 1 - row : row) * Stride, Rows = 1, IsReversed = false };

    /// <summary>The matrix of another image, where those of several lie one after the other and this is the first one's.</summary>
    public ArenaMatrix OfImage(int image) => this with { Start = Start + (image * Rows * Stride) };

    /// <summary>The address of the first element.</summary>
    /// <param name="arena">Where the blocks are.</param>
    public unsafe float* Pointer(ArenaAddresses arena) => (float*)arena[Block] + Start;

    /// <summary>The address of a row in memory.</summary>
    public unsafe float* Pointer(ArenaAddresses arena, int row) => Pointer(arena) + (nint)row * Stride;

    /// <summary>Throws unless all rows lie in the block.</summary>
    /// <param name="user">Who reads or writes them, for the message.</param>
    /// <exception cref="InvalidOperationException">They do not: a defect of what laid out the plan.</exception>
    public void RequireInside(string user)
    {
        int rows = RowMap is null ? Rows : RowMap.Length == Rows ? RowMap.DefaultIfEmpty(-1).Max() + 1 : -1;
        long end = rows == 0 ? Start : Start + ((long)(rows - 1) * Stride) + Columns;
        if (Start < 0 || rows < 0 || Columns < 0 || Stride < Columns || end * sizeof(float) > Block.Bytes)
            throw new InvalidOperationException($"An operand of '{user}' lies outside of its memory: {this}.");
    }

    /// <summary>Whether the rows lie one after the other in memory, so that an operation on elements can take them all at once.</summary>
    public bool IsContiguous => Stride == Columns && RowMap is null;

    /// <summary>The place in memory of a row that an index map may find.</summary>
    public int Place(int row) => RowMap is null ? row : RowMap[row];

    /// <summary>A row in memory.</summary>
    public unsafe Span<float> MemoryRow(ArenaAddresses arena, int row) => new(Pointer(arena, row), Columns);
}
