namespace Bitis.Kernels.Scan;

/// <summary>Scratch memory for some channels: their states, and the prepared values of a few tokens.</summary>
internal readonly unsafe struct Avx512ScanScratch
{
    /// <summary>Tokens that are prepared together.</summary>
    public const int ChunkTokens = 4;

    /// <summary>The bytes of a token's codes, four states of each channel.</summary>
    public const int CodeBytes = PackedScan.BlockStates * ChannelsAtOnce;

    /// <summary>The 16-bit numbers of a token's inputs, two states of each channel.</summary>
    public const int InputLanes = 2 * ChannelsAtOnce;

    private const int ChannelsAtOnce = IntegerScan.ChannelsAtOnce;

    /// <summary>Divides a block of memory.</summary>
    public Avx512ScanScratch(byte* memory, int channels, int pairs)
    {
        States = (short*)memory;
        V = States + (channels * 2 * pairs);
        Codes = (byte*)(V + (ChunkTokens * InputLanes));
        Deltas = Codes + (ChunkTokens * CodeBytes);
        Inputs = (float*)(Deltas + (ChunkTokens * ChannelsAtOnce));
        Skips = Inputs + (ChunkTokens * ChannelsAtOnce);
        B = (short*)(Skips + (ChunkTokens * ChannelsAtOnce));
        C = B + (ChunkTokens * 2 * pairs);
    }

    /// <summary>How much memory it takes.</summary>
    public static int Bytes(int channels, int pairs)
    {
        int inputs = (sizeof(short) * InputLanes) + (2 * sizeof(float) * ChannelsAtOnce);
        return (channels * 4 * pairs) + (ChunkTokens * (ChannelsAtOnce + CodeBytes + inputs + (8 * pairs)));
    }

    /// <summary>h, in registers of 16 channels of two states.</summary>
    public readonly short* States;

    /// <summary>v of each channel, twice.</summary>
    public readonly short* V;

    /// <summary>codeΔ of each channel, four times, in the order of <see cref="PackedScan.RateLanes"/>.</summary>
    public readonly byte* Codes;

    /// <summary>The levels of Δ.</summary>
    public readonly byte* Deltas;

    /// <summary>The levels of u, less the zero point.</summary>
    public readonly float* Inputs;

    /// <summary>D·u.</summary>
    public readonly float* Skips;

    /// <summary>The levels of B, as the upper bits of 16.</summary>
    public readonly short* B;

    /// <summary>The levels of C.</summary>
    public readonly short* C;
}
