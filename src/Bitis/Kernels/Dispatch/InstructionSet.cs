namespace Bitis.Kernels.Dispatch;

/// <summary>The instruction sets that kernels are written for, in the order in which they are preferred.</summary>
/// <remarks>A choice of one allows every smaller one too.</remarks>
internal enum InstructionSet
{
    /// <summary>
    /// The platform's cross-platform vectors of 128 bits where it accelerates them, else scalar code.
    /// </summary>
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
}
