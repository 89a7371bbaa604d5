using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Kernels.Scans;

/// <summary>What a quantized projection of Δ needs besides its weights and biases.</summary>
/// <param name="WeightScales">The weights' scales, <c>[directions, channels]</c>.</param>
/// <param name="WeightSums">The sums of the weights' levels, <c>[directions, channels]</c>.</param>
/// <param name="Scales">The scales of the input, <c>[directions, tokens]</c>.</param>
/// <param name="InverseScales">1/scale of the input.</param>
/// <param name="ZeroPoints">The zero points of the input, integers.</param>
/// <param name="Factors">What the input is multiplied by, <c>[directions, R]</c>; null for nothing.</param>
internal sealed record LevelDeltaOperands(
    GpuBuffer WeightScales, GpuBuffer WeightSums, GpuBuffer Scales, GpuBuffer InverseScales, GpuBuffer ZeroPoints,
    GpuBuffer? Factors);
