namespace Bitis.Kernels.Scan.Assembled;

/// <summary>The scratch memory of a kernel of <see cref="ScanAssembler"/>: offsets in bytes.</summary>
/// <param name="pairs">Pairs of states.</param>
internal readonly struct ScanTokenLayout(int pairs)
{
    /// <summary>The bytes of all orders, with which the memory begins.</summary>
    public const int OrderBytes = 2 * MaxTokens * RegisterBytes;

    private const int RegisterBytes = 64, MaxTokens = ScanAssembler.MaxTokens;

    /// <summary>How much memory it takes; it begins at a multiple of 64 bytes.</summary>
    public int Bytes => B(3 * MaxTokens, 0);

    /// <summary>The order of bytes that takes a token's multiples of Δ's unit out of those of all tokens.</summary>
    public static int MultipleOrder(int token) => RegisterBytes * token;

    /// <summary>The order of bytes that takes a token's codes out of those of all tokens.</summary>
    public static int CodeOrder(int token) => RegisterBytes * (MaxTokens + token);

    /// <summary>v of a token's channels, twice.</summary>
    public static int Input(int token) => OrderBytes + (RegisterBytes * token);

    /// <summary>codeΔ of a token's channels, four times, in the order of <see cref="PackedScan.RateLanes"/>.</summary>
    public static int Code(int token) => Input(MaxTokens + token);

    /// <summary>D·u of a token's channels.</summary>
    public static int Skip(int token) => Input((2 * MaxTokens) + token);

    /// <summary>D·u of the next block's channels.</summary>
    public static int NextSkip(int token) => Input((3 * MaxTokens) + token);

    /// <summary>The levels of B of a pair of states of a token, as the upper bits of 16.</summary>
    public int B(int token, int pair) => Input(4 * MaxTokens) + (sizeof(int) * ((token * pairs) + pair));

    /// <summary>The levels of C of a pair of states of a token.</summary>
    public int C(int token, int pair) => B(MaxTokens + token, pair);

    /// <summary>What is added to h before its lower bits are cut off, of a pair of states of a token.</summary>
    public int Offset(int token, int pair) => B((2 * MaxTokens) + token, pair);

    /// <summary>Writes the orders.</summary>
    public static void WriteOrders(Span<byte> memory)
    {
        for (int token = 0; token < MaxTokens; token++)
        {
            for (int i = 0; i < RegisterBytes; i++)
            {
                // Bytes 2 and 3 of a channel's 32 bits are masked out.
                memory[MultipleOrder(token) + i] = (byte)(
                    (i / 16 * 16) + (4 * token) + (i % 16 / 4) + (i % 2 * RegisterBytes));
                // Four channels, for two states each, fill 8 bytes. The next two states need them, too.
                memory[CodeOrder(token) + i] = (byte)((4 * token) + (i % 8 / 2));
            }
        }
    }
}
