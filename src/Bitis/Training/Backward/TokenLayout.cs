using Bitis.Graphs;
using Bitis.Operators;

namespace Bitis.Training;

/// <summary>
/// How the rows of a value in memory lie on the image: a grid in row-major order, with a class token somewhere among them.
/// </summary>
/// <param name="Rows">All rows of an image.</param>
/// <param name="Height">The grid's height; 0 where the rows are not a grid.</param>
/// <param name="Width">The grid's width.</param>
/// <param name="ExtraRow">The row that is not on the grid: the class token; -1 if there is none.</param>
internal readonly record struct TokenLayout(int Rows, int Height, int Width, int ExtraRow)
{
    /// <summary>The layout of a map's places.</summary>
    public static TokenLayout Grid(int height, int width) => new(height * width, height, width, ExtraRow: -1);

    /// <summary>The layout of a value, found by following it back to where the image became tokens.</summary>
    /// <remarks>Reversed tokens lie in memory as they were.</remarks>
    public static TokenLayout Of(Node node)
    {
        int rows = (int)(node.Shape.ElementCount / node.Shape[^1]);
        TokenLayout none = new(rows, 0, 0, ExtraRow: -1);
        switch (node.Operator)
        {
            case FlattenSpatial:
                return Grid(node.Inputs[0].Shape[1], node.Inputs[0].Shape[2]);
            case InsertToken insert:
                TokenLayout grid = Of(node.Inputs[0]);
                return grid.Height > 0 && grid.ExtraRow < 0 ? grid with { Rows = rows, ExtraRow = insert.Position } : none;
            case Input or SelectToken or MeanTokens or MeanOfNorms:
                return none;
            case ArrangeTokens arrangement:
                int side = (int)Math.Sqrt(rows);
                return side * side == rows && arrangement.Equals(ArrangeTokens.ByColumn(side, side)) ? Of(node.Inputs[0]) : none;
            case Multiply or GatedSum:
                // What went through windows has no layout; what it meets here in the grid's order may have one.
                return node.Inputs.Select(Of).FirstOrDefault(layout => layout.Rows == rows && layout.Height > 0, none);
            default:
                TokenLayout before = Of(node.Inputs[0]);
                return before.Rows == rows ? before : none;
        }
    }

    /// <summary>The row of a place on the grid, or of a position in the sequence without the class token.</summary>
    public int RowOf(int position) => ExtraRow >= 0 && position >= ExtraRow ? position + 1 : position;
}
