namespace Bitis.Gpu.Kernels.Products;

/// <summary>What lies between a layer and the next one of the same launch.</summary>
/// <param name="InputBytes">The bytes between their inputs.</param>
/// <param name="OutputElements">The elements between their outputs.</param>
/// <param name="Rows">The rows between the parameters of their inputs' levels.</param>
internal sealed record LinearGroupOffsets(int InputBytes, int OutputElements, int Rows);
