namespace Bitis.Kernels.Dispatch;

/// <summary>The instruction sets that kernels are written for, in the order in which they are preferred.</summary>
/// <remarks>The choice of one allows all smaller ones, too.</remarks>
internal enum InstructionSet
{
    /// <summary>The cross-platform vectors of 128 bits where the platform accelerates them, else scalar code.</summary>
    Portable,

    /// <summary>256-bit vectors with fused multiply-add.</summary>
    Avx2,

    /// <summary>
    /// AVX2 and the 256-bit 8-bit dot product. Independent of AVX-512: a processor may have either or both.
    /// </summary>
    AvxVnni,

    /// <summary>512-bit vectors: AVX-512 F, BW, DQ and VL.</summary>
    Avx512,

    /// <summary>AVX-512 with permutations of bytes (VBMI).</summary>
    Avx512Vbmi,

    /// <summary>
    /// AVX-512 with the 512-bit 8-bit dot product, as code that Bitis assembles at run time. Linux only.
    /// </summary>
    Avx512Vnni,

    /// <summary>The 128-bit vectors that every 64-bit ARM processor has.</summary>
    AdvSimd,

    /// <summary>AdvSimd with the 8-bit dot product.</summary>
    AdvSimdDp,
}
