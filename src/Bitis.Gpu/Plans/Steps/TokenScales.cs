using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels;
using Bitis.Quantization;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;

namespace Bitis.Gpu.Plans.Steps;

/// <summary>The parameters of levels for each row in memory, on a device.</summary>
/// <param name="Scales">Scales.</param>
/// <param name="InverseScales">1/scale.</param>
/// <param name="ZeroPoints">Zero points, integers.</param>
/// <param name="FloatZeroPoints">Zero points, floats.</param>
/// <param name="Factors">What columns are multiplied by, layer after layer; null for nothing.</param>
internal sealed record TokenScales(
    GpuBuffer Scales, GpuBuffer InverseScales, GpuBuffer ZeroPoints, GpuBuffer FloatZeroPoints, GpuBuffer? Factors)
{
    /// <summary>What kernels that write levels take.</summary>
    public LevelOperands Levels => new(InverseScales, FloatZeroPoints, Factors);

    /// <summary>Copies the parameters of layers' inputs to the device.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="rows">The rows of each input.</param>
    /// <param name="repetitions">How often all rows are repeated, once for each image.</param>
    /// <param name="inputs">The layers, one behind the other, and which token each row of memory has.</param>
    public static TokenScales Of(
        GpuPlanBuilder plan, int rows, int repetitions,
        params IReadOnlyList<(QuantizedLayer Layer, RowTokens Tokens)> inputs)
    {
        var groups = new List<(UniformQuantizer Quantizer, int Group)>();
        for (int i = 0; i < repetitions; i++)
        {
            foreach ((QuantizedLayer layer, RowTokens tokens) in inputs)
            {
                for (int row = 0; row < rows; row++)
                    groups.Add((layer.Input!, GroupOf(layer.Input!, tokens.TokenOf(row, rows))));
            }
        }
        return new TokenScales(
            plan.Constant<float>([.. groups.Select(g => g.Quantizer.Scales[g.Group])]),
            plan.Constant<float>([.. groups.Select(g => g.Quantizer.InverseScales[g.Group])]),
            plan.Constant<int>([.. groups.Select(g => g.Quantizer.ZeroPoints[g.Group])]),
            plan.Constant<float>([.. groups.Select(g => (float)g.Quantizer.ZeroPoints[g.Group])]),
            inputs[0].Layer.InputFactors is null
                ? null
                : plan.Constant<float>([.. inputs.SelectMany(input => input.Layer.InputFactors!)]));
    }

    /// <summary>As <see cref="Of"/>, with all images of a layer before the next one.</summary>
    public static TokenScales OfStack(
        GpuPlanBuilder plan, int rows, int images, IReadOnlyList<(QuantizedLayer Layer, RowTokens Tokens)> inputs) =>
        Of(plan, rows, repetitions: 1, [.. inputs.SelectMany(input => Enumerable.Repeat(input, images))]);

    /// <summary>What the levels of a layer's input depend on.</summary>
    public static LevelShape ShapeOf(QuantizedLayer layer) =>
        new(layer.Input!.MaxLevel, layer.InputFactors is not null);

    /// <summary>Whether two layers have the same levels of an input that they see in orders of their own.</summary>
    public static bool AreSame(
        QuantizedLayer left, RowTokens leftTokens, QuantizedLayer right, RowTokens rightTokens, int rows)
    {
        bool hasSameFactors = (left.InputFactors ?? []).AsSpan().SequenceEqual(right.InputFactors ?? []);
        return hasSameFactors && ShapeOf(left) == ShapeOf(right) && Enumerable.Range(0, rows).All(row =>
        {
            int one = GroupOf(left.Input!, leftTokens.TokenOf(row, rows));
            int other = GroupOf(right.Input!, rightTokens.TokenOf(row, rows));
            return left.Input!.Scales[one] == right.Input!.Scales[other]
                && left.Input.InverseScales[one] == right.Input.InverseScales[other]
                && left.Input.ZeroPoints[one] == right.Input.ZeroPoints[other];
        });
    }

    private static int GroupOf(UniformQuantizer quantizer, int token) =>
        quantizer.Granularity == Granularity.PerToken && quantizer.Scales.Length > 1
            ? Math.Clamp(token, 0, quantizer.Scales.Length - 1) // rows without a token have any scale
            : 0;
}
