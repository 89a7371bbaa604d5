using Bitis.Kernels.Rounding.Planes;

namespace Bitis.Tests.Kernels;

public sealed unsafe class TwoPlanesTests
{
    [Fact]
    public void Every_form_equals_the_scalar_formula_bit_for_bit()
    {
        foreach (int columns in new[] { 1, 5, 16, 37, 70 })
        {
            foreach (int rows in new[] { 0, 1, 4, 6, 7, 20 })
            {
                KernelAssert.FormsAgree(new SplitRowsCase(rows, columns));
                foreach ((int panel, int step) in new[] { (64, 16), (16, 16), (32, 32), (8, 8) })
                {
                    KernelAssert.FormsAgree(
                        new SplitColumnsCase(rows, columns) { PanelColumns = panel, ColumnMultiple = step });
                }
            }
        }
    }

    [Fact]
    public void Rows_of_bytes_are_interleaved_in_groups_of_four()
    {
        foreach ((int rows, int columns) in new[] { (1, 1), (4, 4), (7, 13), (8, 16), (9, 3) })
        {
            int groups = (rows + 3) / 4, width = columns + 2;
            byte[] bytes = [.. Enumerable.Range(0, rows * columns).Select(i => (byte)(i * 7))];
            using var source = new GuardedBuffer<byte>(bytes);
            using var target = new GuardedBuffer<byte>(new byte[groups * 4 * width]);
            InterleavedRows.Write(source.Pointer, columns, rows, columns, target.Pointer, 4 * width);
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < columns; column++)
                {
                    byte written = target.Span[(row / 4 * 4 * width) + (column * 4) + (row % 4)];
                    Assert.Equal(bytes[(row * columns) + column], written);
                }
            }
        }
    }
}
