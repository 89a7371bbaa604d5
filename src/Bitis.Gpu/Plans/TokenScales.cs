using Bitis.Gpu.Devices;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;

namespace Bitis.Gpu.Plans;

/// <summary>A quantizer's parameters for each row in memory, on a device.</summary>
/// <param name="Scales">Scales.</param>
/// <param name="InverseScales">1/scale.</param>
/// <param name="ZeroPoints">Zero points, integers.</param>
/// <param name="FloatZeroPoints">Zero points, floats.</param>
internal sealed record TokenScales(
    GpuBuffer Scales, GpuBuffer InverseScales, GpuBuffer ZeroPoints, GpuBuffer FloatZeroPoints)
{
    /// <summary>Copies parameters to the device.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="rows">The rows of each quantizer.</param>
    /// <param name="repetitions">How often all rows are repeated, once for each image.</param>
    /// <param name="quantizers">
    /// The quantizers, one behind the other, and whether memory holds their tokens in the opposite order.
    /// </param>
    public static TokenScales Of(
        GpuPlanBuilder plan, int rows, int repetitions,
        params IReadOnlyList<(UniformQuantizer Quantizer, bool IsReversed)> quantizers)
    {
        var groups = new List<(UniformQuantizer Quantizer, int Group)>();
        for (int i = 0; i < repetitions; i++)
        {
            foreach ((UniformQuantizer quantizer, bool isReversed) in quantizers)
            {
                for (int row = 0; row < rows; row++)
                {
                    bool isPerToken = quantizer.Granularity == Granularity.PerToken && quantizer.Scales.Length > 1;
                    groups.Add((quantizer, isPerToken ? (isReversed ? rows - 1 - row : row) : 0));
                }
            }
        }
        return new TokenScales(
            plan.Constant<float>([.. groups.Select(g => g.Quantizer.Scales[g.Group])]),
            plan.Constant<float>([.. groups.Select(g => g.Quantizer.InverseScales[g.Group])]),
            plan.Constant<int>([.. groups.Select(g => g.Quantizer.ZeroPoints[g.Group])]),
            plan.Constant<float>([.. groups.Select(g => (float)g.Quantizer.ZeroPoints[g.Group])]));
    }
}
