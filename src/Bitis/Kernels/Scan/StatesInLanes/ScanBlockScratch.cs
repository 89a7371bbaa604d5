namespace Bitis.Kernels.Scan.StatesInLanes;

/// <summary>Scratch memory of <see cref="IntegerScanAvx2"/>: states of some channels, and what is prepared.</summary>
internal readonly unsafe struct ScanBlockScratch
{
    /// <summary>Channels whose states advance together.</summary>
    public const int BlockChannels = 8;

    /// <summary>Lanes of a register of states.</summary>
    public const int BlockStates = 16;

    /// <summary>
    /// Numbers of a token of a block, eight of each kind: entries, v, D·u and sums. See <see cref="Tokens"/>.
    /// </summary>
    public const int TokenNumbers = 4 * BlockChannels;

    /// <summary>Where v, D·u and sums are among the numbers of a token.</summary>
    public const int V = BlockChannels, Skips = 2 * BlockChannels, Sums = 3 * BlockChannels;

    /// <summary>How many kinds of numbers each token has for all lanes. See <see cref="B"/>.</summary>
    public const int StateKinds = 4;

    /// <summary>The lanes of B, C and the offsets of a span's tokens, at most; they fit the second cache.</summary>
    private const int SpanLanes = 4096;

    /// <summary>Tokens that are prepared together where they all fit the nearest cache.</summary>
    private const int ChunkTokens = 128;

    /// <summary>Divides a block of memory.</summary>
    /// <param name="memory">Null to learn how many bytes there must be.</param>
    /// <param name="scan">The scan.</param>
    /// <param name="tokens">L.</param>
    public ScanBlockScratch(byte* memory, PackedScan scan, int tokens)
    {
        bool hasOneState = scan.States == 1;
        StateLanes = hasOneState ? 2 : (scan.States + BlockStates - 1) / BlockStates * BlockStates;
        Span = EqualPart(tokens, Math.Max(1, SpanLanes / StateLanes));
        // Rows of Ā belong to 16 states. They are built once for all tokens of a chunk.
        Chunk = StateLanes <= BlockStates ? EqualPart(Span, ChunkTokens) : Span;
        Channels = Math.Max(1, IntegerScan.StateBytes / (2 * BlockChannels * sizeof(short) * StateLanes))
            * 2 * BlockChannels;
        Rows = memory;
        States = (short*)(Rows + (hasOneState ? 0 : scan.Slices.Blocks * DecayRows.BlockBytes));
        Tokens = (int*)(States + (Channels * StateLanes));
        Levels = Tokens + (Chunk * TokenNumbers * (hasOneState ? 2 : 1));
        Built = Levels + (2 * BlockChannels);
        B = (short*)(Built + (2 * BlockChannels));
        Bytes = (int)((byte*)(B + (Span * StateKinds * StateLanes)) - memory);
    }

    /// <summary>The bytes that it takes.</summary>
    public readonly int Bytes;

    /// <summary>Lanes of a channel's states: a multiple of 16, or one state and a lane that is 0.</summary>
    public readonly int StateLanes;

    /// <summary>Tokens whose B and C are quantized together.</summary>
    public readonly int Span;

    /// <summary>Tokens of a block of channels that are prepared together.</summary>
    public readonly int Chunk;

    /// <summary>Channels whose states are kept.</summary>
    public readonly int Channels;

    /// <summary>Ā of eight channels, <c>[codes of Δ, channels, 16 states]</c>.</summary>
    public readonly byte* Rows;

    /// <summary>h, <c>[channels, lanes]</c>.</summary>
    public readonly short* States;

    /// <summary>The prepared numbers of each token, and its sums, eight channels each.</summary>
    /// <remarks>
    /// They are: the level of Δ, which becomes its <see cref="DecaySlices.Entries"/> (and Ā, if there is one state); v,
    /// twice in 32 bits; D·u as a float; and Σ h·C.
    /// </remarks>
    public readonly int* Tokens;

    /// <summary>The least and the largest level of Δ of each channel so far.</summary>
    public readonly int* Levels;

    /// <summary>The blocks of codes whose rows are built: the first of each channel, and the end.</summary>
    public readonly int* Built;

    /// <summary>For each token and lane: B's level as the upper bits of 16, C's level twice, the offset.</summary>
    /// <remarks>
    /// Of 16 states, C is in the order of two channels' states whose pairs are interleaved:
    /// <code>
    ///   first      c0 c1 c0 c1 c2 c3 c2 c3 | c8 …         second      c4 c5 c4 c5 c6 c7 c6 c7 | c12 …
    /// </code>
    /// </remarks>
    public readonly short* B;

    /// <summary>The size of the equal parts of a number that are at most as large as a limit.</summary>
    private static int EqualPart(int number, int limit)
    {
        int parts = Math.Max(1, (number + limit - 1) / limit);
        return Math.Max(1, (number + parts - 1) / parts);
    }
}
