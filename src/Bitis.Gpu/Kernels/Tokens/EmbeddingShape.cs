namespace Bitis.Gpu.Kernels.Tokens;

/// <summary>What the text that puts tokens together depends on.</summary>
/// <param name="Tokens">The tokens of the output.</param>
/// <param name="Channels">The length of a token.</param>
/// <param name="ClassToken">Where the class token is inserted; null for none.</param>
internal sealed record EmbeddingShape(int Tokens, int Channels, int? ClassToken)
{
    /// <summary>Whether patches are float16; else float32.</summary>
    public bool ReadsHalves { get; init; }

    /// <summary>The distance of patches in elements.</summary>
    public int PatchStride { get; init; } = Channels;
}
