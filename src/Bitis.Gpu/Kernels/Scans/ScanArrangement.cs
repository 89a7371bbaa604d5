namespace Bitis.Gpu.Kernels.Scans;

/// <summary>What the text of scans in any orders depends on; each direction then has an output of its own.</summary>
/// <param name="Directions">The directions: one, or an even number.</param>
/// <param name="InputRows">The rows of an image in u.</param>
/// <param name="OutputRows">The rows of an image in the outputs, and in z.</param>
internal sealed record ScanArrangement(int Directions, int InputRows, int OutputRows);
