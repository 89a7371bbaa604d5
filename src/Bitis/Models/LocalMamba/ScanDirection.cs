using System.Globalization;
using Bitis.Graphs;

namespace Bitis.Models.LocalMamba;

/// <summary>An order in which a LocalMamba block scans the tokens of its grid, with the official names.</summary>
/// <remarks>
/// Row by row (<c>h</c>), column by column (<c>v</c>), or window by window (<c>w2</c>, <c>w7</c>: squares with that
/// side, in tokens). Each exists from the end, too (<c>h_flip</c>).
/// </remarks>
/// <param name="Order">The order without its direction: <c>h</c>, <c>v</c>, or <c>w</c> and the side of a
/// window.</param>
/// <param name="IsReversed">Whether the scan starts at the end.</param>
internal readonly record struct ScanDirection(string Order, bool IsReversed)
{
    /// <summary>How many directions a block has in all published models.</summary>
    public const int PerBlock = 4;

    private const string Reversed = "_flip";
    private const int MaxWindow = 64;

    /// <summary>
    /// Reads the directions of all blocks, <c>h,v_flip,w7,w7_flip/h,h_flip,v,w2</c>; one block stands for all.
    /// </summary>
    /// <param name="text">The directions of a block separated by commas, blocks by slashes.</param>
    /// <param name="blocks">How many blocks the model has.</param>
    /// <returns>The directions of each block, separated by commas.</returns>
    /// <exception cref="BitisException">There are too many or too few directions, or one is unknown.</exception>
    public static IReadOnlyList<string> ParseAll(string text, int blocks)
    {
        string[] parsed = [.. text.Split('/').Select(block => string.Join(',', ParseBlock(block)))];
        if (parsed.Length == 1)
            return [.. Enumerable.Repeat(parsed[0], blocks)];
        return parsed.Length == blocks
            ? parsed
            : throw new BitisException(
                $"There are scan directions of {DisplayText.Count(parsed.Length, "block")}; the model has {blocks}. "
                + "(Those of one block serve for all.)");
    }

    /// <summary>The orders that occur in a model's blocks, for display.</summary>
    public static string Describe(IEnumerable<string> blocks) =>
        "scans by block out of " + string.Join(
            ", ",
            blocks.SelectMany(ParseBlock).Select(
                direction => direction.Order).Distinct().Order(StringComparer.Ordinal));

    /// <summary>Checks the directions of all blocks.</summary>
    /// <exception cref="BitisException">A block has none, too many or too few, or an unknown one.</exception>
    public static void Validate(IEnumerable<string?> blocks)
    {
        foreach (string? block in blocks)
            ParseBlock(block ?? "");
    }

    /// <summary>Reads a block's directions: <c>h,v_flip,w7,w7_flip</c>.</summary>
    /// <exception cref="BitisException">There are more or fewer than four directions, or one is unknown.</exception>
    public static ScanDirection[] ParseBlock(string text)
    {
        string[] names = text.Split(',', StringSplitOptions.TrimEntries);
        return names.Length == PerBlock
            ? Array.ConvertAll(names, Parse)
            : throw new BitisException(
                $"'{text}' names {DisplayText.Count(names.Count(name => name.Length > 0), "scan direction")}; "
                + $"a block has {PerBlock}, such as h,v_flip,w7,w7_flip.");
    }

    /// <summary>Reads one direction.</summary>
    /// <exception cref="BitisException">The direction is unknown.</exception>
    public static ScanDirection Parse(string name)
    {
        bool isReversed = name.EndsWith(Reversed, StringComparison.Ordinal);
        var direction = new ScanDirection(isReversed ? name[..^Reversed.Length] : name, isReversed);
        return direction.Order is "h" or "v" || direction.Window is >= 1 and <= MaxWindow
            ? direction
            : throw new BitisException(
                $"There is no scan direction '{name}'; expected h, v or w and the side of a window (w2, w7), and "
                + $"{Reversed} to start at the end.");
    }

    /// <summary>The official name.</summary>
    public override string ToString() => IsReversed ? Order + Reversed : Order;

    /// <summary>The side of a window; 0 for whole rows and columns.</summary>
    private int Window =>
        Order.StartsWith('w')
            && int.TryParse(Order.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out int side)
            ? side
            : 0;

    /// <summary>The order as an arrangement of a sequence.</summary>
    /// <remarks>
    /// The scan starts at its first token, or at its last if <see cref="IsReversed"/>. Windows that reach over the
    /// grid's edge are filled with zeros, which the scan sees. A class token keeps its index in the sequence that the
    /// scan sees.
    /// </remarks>
    /// <param name="grid">Tokens along one side of the grid.</param>
    /// <param name="classToken">The index of a class token in the sequence; null if there is none.</param>
    public IReadOnlyList<int> Arrange(int grid, int? classToken)
    {
        List<int> sources = [.. Order switch
        {
            "h" => Enumerable.Range(0, grid * grid),
            "v" => TokenOrder.ByColumn(grid, grid),
            _ => WindowSources(grid),
        }];
        if (classToken is { } index)
        {
            for (int i = 0; i < sources.Count; i++)
                sources[i] += sources[i] >= index ? 1 : 0;
            sources.Insert(IsReversed ? sources.Count - index : index, index);
        }
        return sources;
    }

    private IEnumerable<int> WindowSources(int grid)
    {
        int side = Window, windows = (grid + side - 1) / side, area = side * side;
        for (int i = 0; i < windows * windows * area; i++)
        {
            int window = i / area, place = i % area;
            int row = window / windows * side + place / side, column = window % windows * side + place % side;
            yield return row < grid && column < grid ? row * grid + column : TokenOrder.Zeros;
        }
    }
}
