namespace Bitis.Quantization;

/// <summary>What the metadata of a file say of a quantized scan.</summary>
/// <param name="Bits">Bits of its operands and hidden states.</param>
/// <param name="Decay">The grid of Ā.</param>
internal sealed record ScanDescription(int Bits, DecayQuantizer Decay);
