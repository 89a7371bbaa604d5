namespace Bitis.Graphs;

/// <summary>
/// Orders in which a block may see the tokens of a grid, for <see cref="GraphBuilder.ArrangeTokens"/>.
/// </summary>
/// <remarks>
/// An order has, for each token of the output, the index of the input's token. No token has two places.
/// </remarks>
public static class TokenOrder
{
    /// <summary>What an order has for a token of zeros.</summary>
    public const int Zeros = -1;

    /// <summary>
    /// Column by column, <c>y[j·height + i] = x[i·width + j]</c>; with both exchanged its own inverse.
    /// </summary>
    /// <param name="height">The rows of the input's grid.</param>
    /// <param name="width">The columns of the input's grid.</param>
    public static IReadOnlyList<int> ByColumn(int height, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        int[] order = new int[checked(height * width)];
        for (int token = 0; token < order.Length; token++)
            order[token] = token % height * width + token / height;
        return order;
    }

    /// <summary>The way back to the order of the input, without the tokens of zeros.</summary>
    /// <param name="order">The way there.</param>
    /// <param name="tokens">How many tokens the input had; each must have a place.</param>
    /// <exception cref="ArgumentException">A token has no place, or two.</exception>
    public static IReadOnlyList<int> Inverse(IReadOnlyList<int> order, int tokens)
    {
        ArgumentNullException.ThrowIfNull(order);
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        int[] places = new int[tokens];
        Array.Fill(places, Zeros);
        for (int place = 0; place < order.Count; place++)
        {
            int token = order[place];
            if (token == Zeros)
                continue;
            if (token < 0 || token >= tokens || places[token] != Zeros)
                throw new ArgumentException($"Token {token} has no place among {tokens}, or two.", nameof(order));
            places[token] = place;
        }
        int missing = Array.IndexOf(places, Zeros);
        return missing < 0 ? places : throw new ArgumentException($"Token {missing} has no place.", nameof(order));
    }
}
