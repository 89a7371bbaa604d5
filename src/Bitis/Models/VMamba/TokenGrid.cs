using Bitis.Graphs;

namespace Bitis.Models.VMamba;

/// <summary>Tokens on a grid, row by row.</summary>
/// <param name="Tokens">Their node, <c>[height·width, channels]</c>.</param>
/// <param name="Height">Rows of the grid.</param>
/// <param name="Width">Columns of the grid.</param>
internal readonly record struct TokenGrid(Node Tokens, int Height, int Width);
