namespace Bitis.Kernels.Scan.Assembled;

/// <summary>What the machine code of a scan depends on.</summary>
/// <param name="Pairs">Pairs of states.</param>
/// <param name="Tokens">Tokens at once.</param>
/// <param name="HasLargeTables">Whether Δ has more than 128 levels.</param>
/// <param name="HasOneOffset">Whether the same number is added to all hidden states before they are cut off.</param>
/// <param name="HasNegativeCodes">Whether codes of Ā may be below 0 before they are limited.</param>
/// <param name="Accumulates">Whether it adds to what the output holds.</param>
internal readonly record struct ScanKernelForm(
    int Pairs, int Tokens, bool HasLargeTables, bool HasOneOffset, bool HasNegativeCodes, bool Accumulates);
