using Bitis.Quantization.Quantizers;

namespace Bitis.Quantization.Scans;

/// <summary>The description of a quantized scan in a file's metadata.</summary>
/// <param name="Bits">Bits of its operands and hidden states.</param>
/// <param name="Decay">The spacing of the levels of Ā.</param>
/// <param name="IsDeltaBeforeSoftplus">Whether the levels of Δ are spaced before its softplus.</param>
/// <param name="IsHiddenStateDithered">Whether the rounding of hidden states is dithered.</param>
internal sealed record ScanDescription(
    int Bits, DecayQuantizer Decay, bool IsDeltaBeforeSoftplus, bool IsHiddenStateDithered);
