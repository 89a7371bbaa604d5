using System.Runtime.InteropServices;

namespace Bitis.Kernels.Scan.Assembled;

/// <summary>
/// The operands of a kernel of <see cref="ScanAssembler"/>: some tokens of one group, some blocks of 16 channels.
/// </summary>
/// <remarks>The kernel finds them by their offsets. Pointers are to the first channel, strides are in bytes.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ScanChunkCall
{
    /// <summary>The values whose levels are Δ's, of the first token.</summary>
    public float* Delta;

    /// <summary>The way to the next token of <see cref="Delta"/>.</summary>
    public nint DeltaStride;

    /// <summary>u of the first token.</summary>
    public float* U;

    /// <summary>The way to the next token of <see cref="U"/>.</summary>
    public nint UStride;

    /// <summary>y of the first token.</summary>
    public float* Y;

    /// <summary>The way to the next token of <see cref="Y"/>.</summary>
    public nint YStride;

    /// <summary>The hidden states, in registers of 16 channels of two states.</summary>
    public short* States;

    /// <summary>The codes of A, in the order of <see cref="PackedScan.RateLanes"/>.</summary>
    public sbyte* Rates;

    /// <summary>Scratch memory of the layout <see cref="ScanTokenLayout"/>.</summary>
    public byte* Tokens;

    /// <summary>How many blocks of 16 channels follow each other; the kernel counts it down.</summary>
    public nint Blocks;

    /// <inheritdoc cref="PackedScan.DecayTables"/>
    public byte* DecayTables;

    /// <inheritdoc cref="PackedScan.DeltaTables"/>
    public byte* DeltaTables;

    /// <inheritdoc cref="PackedScan.UInverse"/>
    public float* UInverse;

    /// <inheritdoc cref="PackedScan.ULow"/>
    public float* ULow;

    /// <inheritdoc cref="PackedScan.UHigh"/>
    public float* UHigh;

    /// <inheritdoc cref="PackedScan.Skip"/>
    public float* Skip;

    /// <summary>f of the tokens' group.</summary>
    public float* InputFactors;

    /// <summary>unit of the tokens' group.</summary>
    public float* OutputFactors;

    /// <summary>s_B of the tokens.</summary>
    public float* BScales;

    /// <summary>s_C of the tokens.</summary>
    public float* CScales;

    /// <summary>The value of Δ's level 0.</summary>
    public float DeltaLowest;

    /// <summary>1/s of Δ.</summary>
    public float DeltaInverse;

    /// <summary>Δ's largest level.</summary>
    public float DeltaMax;

    /// <summary>The largest v.</summary>
    public float Highest;

    /// <summary>Twice the bits of h that its level has.</summary>
    public int Mask;
}
