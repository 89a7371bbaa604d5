using Bitis.Quantization.Quantizers;

namespace Bitis.Quantization.Scans;

/// <summary>What the metadata of a file say of a quantized scan.</summary>
/// <param name="Bits">Bits of its operands and hidden states.</param>
/// <param name="Decay">How the levels of Ā are spread.</param>
/// <param name="IsDeltaBeforeSoftplus">Whether the levels of Δ are spread before its softplus.</param>
/// <param name="IsHiddenStateDithered">Whether the rounding of hidden states is dithered.</param>
internal sealed record ScanDescription(
    int Bits, DecayQuantizer Decay, bool IsDeltaBeforeSoftplus, bool IsHiddenStateDithered);
