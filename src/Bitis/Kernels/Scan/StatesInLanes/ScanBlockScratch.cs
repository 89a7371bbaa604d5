namespace Bitis.Kernels.Scan.StatesInLanes;

/// <summary>Scratch memory of <see cref="IntegerScanAvx2"/>: the states of some channels, and what is prepared.</summary>
internal readonly unsafe struct ScanBlockScratch
{
    /// <summary>Channels whose states advance together.</summary>
    public const int BlockChannels = 8;

    /// <summary>Lanes of a register of states.</summary>
    public const int BlockStates = 16;

    /// <summary>The lanes of B, C and the offsets of a span's tokens, at most; they fit the second cache.</summary>
    private const int SpanLanes = 4096;

    /// <summary>Tokens that are prepared together where they all fit the nearest cache.</summary>
    private const int ChunkTokens = 32;

    /// <summary>Divides a block of memory.</summary>
    /// <param name="memory">Null to learn how many bytes there must be.</param>
    /// <param name="scan">The scan.</param>
    /// <param name="tokens">L.</param>
    public ScanBlockScratch(byte* memory, PackedScan scan, int tokens)
    {
        bool hasOneState = scan.States == 1;
        StateLanes = hasOneState ? 2 : (scan.States + BlockStates - 1) / BlockStates * BlockStates;
        int most = Math.Max(1, SpanLanes / StateLanes), spans = (tokens + most - 1) / most;
        Span = (tokens + spans - 1) / spans;
        // Rows of Ā belong to 16 states. They are built once for all tokens of a chunk.
        Chunk = StateLanes <= BlockStates ? Math.Min(ChunkTokens, Span) : Span;
        Channels = Math.Max(1, IntegerScan.StateBytes / (2 * BlockChannels * sizeof(short) * StateLanes))
            * 2 * BlockChannels;
        int values = Chunk * BlockChannels * (hasOneState ? 2 : 1);
        Rows = memory;
        States = (short*)(Rows
            + (hasOneState ? 0 : scan.Slices.Blocks * DecaySlices.BlockCodes * BlockChannels * DecaySlices.RowBytes));
        Entries = (uint*)(States + (Channels * StateLanes));
        V = (int*)(Entries + values);
        Skips = (float*)(V + values);
        Sums = (int*)(Skips + values);
        B = (short*)(Sums + values);
        Bytes = (int)((byte*)(B + (Span * 3 * StateLanes)) - memory);
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

    /// <summary>
    /// For each token and channel: the level of Δ, then its <see cref="DecaySlices.Entries"/>; of one state, then Ā.
    /// </summary>
    public readonly uint* Entries;

    /// <summary>v, twice.</summary>
    public readonly int* V;

    /// <summary>D·u. Before, Δ where its levels are those after the softplus.</summary>
    public readonly float* Skips;

    /// <summary>Σ h·C.</summary>
    public readonly int* Sums;

    /// <summary>
    /// For each token, in as many lanes each: the levels of B as the upper bits of 16, those of C, and the offsets.
    /// </summary>
    public readonly short* B;
}
