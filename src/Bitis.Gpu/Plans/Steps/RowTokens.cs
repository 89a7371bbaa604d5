namespace Bitis.Gpu.Plans.Steps;

/// <summary>Which token each row of memory has.</summary>
internal sealed class RowTokens
{
    private readonly bool _isReversed;
    private readonly int[]? _tokens;

    private RowTokens(bool isReversed, int[]? tokens) => (_isReversed, _tokens) = (isReversed, tokens);

    /// <summary>The first row has the first token.</summary>
    public static RowTokens Natural { get; } = new(isReversed: false, tokens: null);

    /// <summary>The first row has the last token.</summary>
    public static RowTokens Reversed { get; } = new(isReversed: true, tokens: null);

    /// <summary>One of both.</summary>
    public static RowTokens Of(bool isReversed) => isReversed ? Reversed : Natural;

    /// <summary>The inverse of a table that has a row, or −1, for each token.</summary>
    /// <param name="rowOfToken">The table.</param>
    /// <param name="rows">How many rows there are. Those without a token have −1.</param>
    public static RowTokens Inverse(int[] rowOfToken, int rows)
    {
        var tokens = new int[rows];
        Array.Fill(tokens, -1);
        for (int token = 0; token < rowOfToken.Length; token++)
        {
            if (rowOfToken[token] >= 0)
                tokens[rowOfToken[token]] = token;
        }
        return new RowTokens(isReversed: false, tokens);
    }

    /// <summary>The token of a row.</summary>
    /// <param name="row">The row.</param>
    /// <param name="rows">How many there are.</param>
    public int TokenOf(int row, int rows) => _tokens is not null ? _tokens[row] : _isReversed ? rows - 1 - row : row;
}
