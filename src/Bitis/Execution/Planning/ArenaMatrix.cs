
namespace Bitis.Execution.Planning;

/// <summary>A float32 matrix in the arena, or a view of some columns of one.</summary>
/// <remarks>
/// Rows are tokens; a value without tokens has one row. The backward direction of a scan is computed in place, on the
/// tokens as they lie, so that reversing a sequence costs nothing. Only operations that support index maps read a view
/// with one.
/// </remarks>
/// <param name="Block">The memory.</param>
/// <param name="Start">The first element within the block.</param>
/// <param name="Rows">The number of rows.</param>
/// <param name="Columns">The length of a row.</param>
/// <param name="Stride">The distance of rows in elements.</param>
/// <param name="IsReversed">Whether row r in memory is row <c>Rows − 1 − r</c> of the value.</param>
/// <param name="RowMap">The row in memory of each row, -1 for zeros; null where they are the same.</param>
internal readonly record struct ArenaMatrix(
    ArenaBlock Block, int Start, int Rows, int Columns, int Stride, bool IsReversed = false, int[]? RowMap = null)
{
    /// <summary>The memory. Creating a matrix that does not lie in it throws.</summary>
    public ArenaBlock Block { get; init; } = Around(Block, Start, Rows, Columns, Stride, RowMap);

    /// <summary>The view of a range of columns.</summary>
    /// <exception cref="InvalidOperationException">The range exceeds the columns of this matrix.</exception>
    public ArenaMatrix Slice(int start, int length) => start >= 0 && length >= 0 && length <= Columns - start
        ? new(Block, Start + start, Rows, length, Stride, IsReversed, RowMap)
        : throw new InvalidOperationException(
            $"There are no columns {start} to {(long)start + length} among {Columns}.");

    /// <summary>The same tokens in the opposite order.</summary>
    public ArenaMatrix Reverse() => this with { IsReversed = !IsReversed };

    /// <summary>One row of the value.</summary>
    /// <exception cref="InvalidOperationException">There is no such row, or the matrix has an index map.</exception>
    public ArenaMatrix Row(int row) => row >= 0 && row < Rows && RowMap is null
        ? new(Block, Start + ((IsReversed ? Rows - 1 - row : row) * Stride), 1, Columns, Stride)
        : throw new InvalidOperationException($"There is no row {row} among {Rows} that lie one after the other.");

    /// <summary>The matrix of another image. This is the first image's, and the others lie behind it.</summary>
    public ArenaMatrix OfImage(int image) => this with { Start = Start + (image * Rows * Stride) };

    /// <summary>The address of the first element.</summary>
    /// <param name="arena">The addresses of the blocks.</param>
    public unsafe float* Pointer(ArenaAddresses arena) => (float*)arena[Block] + Start;

    /// <summary>The address of a row in memory.</summary>
    public unsafe float* Pointer(ArenaAddresses arena, int row) => Pointer(arena) + (nint)row * Stride;

    /// <summary>Throws unless all rows lie in the block, also where an index map was set later.</summary>
    /// <param name="user">Who reads or writes them, for the message.</param>
    /// <exception cref="InvalidOperationException">
    /// A row lies outside: a defect of the code that laid out the plan.
    /// </exception>
    public void RequireInside(string user)
    {
        try
        {
            Around(Block, Start, Rows, Columns, Stride, RowMap);
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidOperationException($"An operand of '{user}' lies outside of its memory. {e.Message}", e);
        }
    }

    /// <summary>Whether the rows lie one after the other in memory.</summary>
    /// <remarks>Then an elementwise operation can process them all at once.</remarks>
    public bool IsContiguous => Stride == Columns && RowMap is null;

    /// <summary>Whether the rows are all of their block, in the order of the value.</summary>
    public bool FillsBlock =>
        IsContiguous && !IsReversed && Start == 0 && (long)Rows * Columns * sizeof(float) == Block.Bytes;

    /// <summary>The row in memory, also where there is an index map.</summary>
    public int Place(int row) => RowMap is null ? row : RowMap[row];

    /// <summary>A row in memory.</summary>
    public unsafe Span<float> MemoryRow(ArenaAddresses arena, int row) => new(Pointer(arena, row), Columns);

    private static ArenaBlock Around(ArenaBlock block, int start, int rows, int columns, int stride, int[]? rowMap)
    {
        bool isMap = rowMap is null || (rowMap.Length == rows && (rows == 0 || rowMap.Min() >= -1));
        long lastRow = rowMap is null ? rows - 1L : rowMap.DefaultIfEmpty(-1).Max();
        long end = lastRow < 0 ? start : start + (lastRow * stride) + columns;
        if (!isMap || start < 0 || rows < 0 || columns < 0 || stride < columns || end > block.Bytes / sizeof(float))
        {
            throw new InvalidOperationException(
                $"A matrix of {rows}×{columns}, {stride} apart, from element {start} on does not lie in a block of "
                + $"{block.Bytes} bytes.");
        }
        return block;
    }
}
