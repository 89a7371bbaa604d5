namespace Bitis.Graphs.Operators;

/// <summary>How the rows of a value in memory lie on the image.</summary>
/// <remarks>They are a grid in row-major order, with a class token somewhere among them.</remarks>
/// <param name="Rows">All rows of an image.</param>
/// <param name="Height">The grid's height; 0 where the rows are not a grid.</param>
/// <param name="Width">The grid's width.</param>
/// <param name="ExtraRow">The row that is not on the grid: the class token; -1 if there is none.</param>
internal readonly record struct GridLayout(int Rows, int Height, int Width, int ExtraRow)
{
    /// <summary>Whether the rows are a grid.</summary>
    public bool IsGrid => Height > 0;

    /// <summary>The layout of a map's places.</summary>
    public static GridLayout Grid(int height, int width) => new(height * width, height, width, ExtraRow: -1);

    /// <summary>Rows that are no grid.</summary>
    public static GridLayout None(int rows) => new(rows, 0, 0, ExtraRow: -1);

    /// <summary>The row of a place on the grid, or of a position in the sequence without the class token.</summary>
    public int RowOf(int position) => ExtraRow >= 0 && position >= ExtraRow ? position + 1 : position;
}
