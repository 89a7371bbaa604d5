using Bitis.Execution.Planning;

namespace Bitis.Tests.Runtime;

/// <summary>A view that leaves its memory cannot be made, so that kernels need not look.</summary>
public sealed class ArenaMatrixTests
{
    private static readonly ArenaBlock Block = new(24 * sizeof(float));

    private static readonly ArenaMatrix Whole = new(Block, 0, 4, 6, 6);

    [Fact]
    public void Views_show_what_they_should()
    {
        Assert.Equal(new ArenaMatrix(Block, 2, 4, 3, 6), Whole.Slice(2, 3));
        Assert.Equal(new ArenaMatrix(Block, 20, 1, 3, 6), Whole.Slice(2, 3).Row(3));
        Assert.Equal(new ArenaMatrix(Block, 2, 1, 3, 6), Whole.Slice(2, 3).Reverse().Row(3));
        Assert.Equal(Whole, Whole.Reverse().Reverse());
        Assert.Equal(0, Whole.Slice(6, 0).Columns);
    }

    [Theory]
    [InlineData(-1, 2)]
    [InlineData(5, 2)]
    [InlineData(0, 7)]
    [InlineData(0, -1)]
    [InlineData(7, 0)]
    [InlineData(int.MaxValue, int.MaxValue)]
    public void Columns_outside_are_refused(int start, int length) =>
        Assert.Throws<InvalidOperationException>(() => Whole.Slice(start, length));

    [Theory]
    [InlineData(-1)]
    [InlineData(4)]
    [InlineData(int.MinValue)]
    [InlineData(int.MaxValue)]
    public void Rows_outside_are_refused(int row)
    {
        Assert.Throws<InvalidOperationException>(() => Whole.Row(row));
        Assert.Throws<InvalidOperationException>(() => Whole.Reverse().Row(row));
    }

    [Theory]
    [InlineData(1, 4, 6, 6)] // one element further
    [InlineData(-1, 4, 6, 6)]
    [InlineData(0, 5, 6, 6)]
    [InlineData(0, 4, 7, 7)]
    [InlineData(0, 4, 6, 7)]
    [InlineData(0, 4, 6, 5)] // rows that overlap
    [InlineData(0, -1, 6, 6)]
    [InlineData(0, 4, -1, 6)]
    [InlineData(0, int.MaxValue, int.MaxValue, int.MaxValue)]
    public void Matrices_outside_of_their_block_are_refused(int start, int rows, int columns, int stride) =>
        Assert.Throws<InvalidOperationException>(() => new ArenaMatrix(Block, start, rows, columns, stride));

    [Fact]
    public void Index_maps_may_repeat_and_leave_out_rows_but_not_leave_the_block()
    {
        Assert.Equal(3, new ArenaMatrix(Block, 0, 5, 6, 6, RowMap: [3, 3, -1, 0, 1]).Place(1));
        foreach (int[] map in
            (int[][])[[4, 0, 0, 0], [-2, 0, 0, 0], [0, 0, 0], [0, 0, 0, 0, 0], [int.MaxValue, 0, 0, 0]])
        {
            Assert.Throws<InvalidOperationException>(() => new ArenaMatrix(Block, 0, 4, 6, 6, RowMap: map));
        }

        Assert.Throws<InvalidOperationException>(() => new ArenaMatrix(Block, 0, 2, 6, 6, RowMap: [1, 0]).Row(0));
    }

    [Fact]
    public void A_block_has_a_size() => Assert.Throws<InvalidOperationException>(() => new ArenaBlock(-1));
}
