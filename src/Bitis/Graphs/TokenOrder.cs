namespace Bitis.Graphs;

/// <summary>
/// Orders in which a block may see the tokens of a grid, for <see cref="GraphBuilder.ArrangeTokens"/>.
/// </summary>
/// <remarks>
/// For each token of the output, an order holds the index of the input's token. No index occurs twice.
/// </remarks>
public static class TokenOrder
{
    /// <summary>The entry for a token of zeros.</summary>
    public const int Zeros = -1;

    /// <summary>
    /// The order column by column: <c>y[j·height + i] = x[i·width + j]</c>. Its inverse has height and width exchanged.
    /// </summary>
    /// <param name="height">The rows of the input's grid.</param>
    /// <param name="width">The columns of the input's grid.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive.</exception>
    public static IReadOnlyList<int> ByColumn(int height, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        int[] order = new int[checked(height * width)];
        for (int token = 0; token < order.Length; token++)
            order[token] = token % height * width + token / height;
        return order;
    }

    /// <summary>The inverse of an order, without the tokens of zeros.</summary>
    /// <param name="order">The order to invert.</param>
    /// <param name="tokens">How many tokens the input of the order had; each must occur in it.</param>
    /// <exception cref="ArgumentException">A token does not occur, or occurs twice.</exception>
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
            {
                throw new ArgumentException(
                    $"The index {token} occurs twice, or is not below {tokens}.", nameof(order));
            }

            places[token] = place;
        }
        int missing = Array.IndexOf(places, Zeros);
        return missing < 0
            ? places
            : throw new ArgumentException($"The index {missing} does not occur in the order.", nameof(order));
    }
}
