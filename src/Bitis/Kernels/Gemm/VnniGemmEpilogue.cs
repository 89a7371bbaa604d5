namespace Bitis.Kernels.Gemm;

/// <summary>How the sums of a tile are written; see <see cref="Int8Gemm"/>.</summary>
internal enum VnniGemmEpilogue
{
    /// <summary>Dequantized and stored.</summary>
    Store,

    /// <summary>Dequantized and added to the output.</summary>
    Add,

    /// <summary>Stored as they are.</summary>
    Sums,

    /// <summary>Added to the output as they are.</summary>
    AddSums,
}
