namespace Bitis.Kernels.Gemm;

/// <summary>What becomes of the sums of a tile; see <see cref="Int8Gemm"/>.</summary>
internal enum VnniGemmEpilogue
{
    /// <summary>Dequantized and stored.</summary>
    Store,

    /// <summary>Dequantized and added to the output.</summary>
    Add,

    /// <summary>Stored as they are.</summary>
    Sums,
}
