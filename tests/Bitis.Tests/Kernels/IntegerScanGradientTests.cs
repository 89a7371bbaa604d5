using System.Numerics.Tensors;
using Bitis.Kernels.Scan;

namespace Bitis.Tests.Kernels;

/// <summary>
/// The backward pass of the integer scan against its equations in float64, and against that of the float scan.
/// </summary>
public sealed class IntegerScanGradientTests
{
    [Theory]
    [InlineData(1, 1, 1, 8, 1)]
    [InlineData(7, 18, 16, 4, 3)]
    [InlineData(12, 5, 3, 6, 1)]
    [InlineData(9, 33, 8, 4, 4)]
    [InlineData(5, 16, 21, 5, 2)] // two registers, the second one in part
    public void Every_form_equals_the_equations_in_float64(int tokens, int channels, int states, int bits, int groups)
    {
        foreach (bool hasFineScales in (bool[])[false, true])
        {
            foreach (bool reverse in (bool[])[false, true])
            {
                KernelAssert.FormsAgree(new IntegerScanGradientCase(new(tokens, channels, states, bits, groups)
                {
                    HasFineScales = hasFineScales,
                    Reverse = reverse,
                }));
            }
        }
    }

    [Fact]
    public void The_gradient_of_u_adds_to_what_is_there_and_those_of_scales_always_do()
    {
        var scan = new IntegerScanCase(6, 18, 4, 4, 2) { HasFineScales = true, Reverse = true };
        KernelAssert.FormsAgree(new IntegerScanGradientCase(scan) { AccumulateU = true, Start = 1 });
    }

    [Fact]
    public void With_fine_levels_it_is_nearly_that_of_the_float_scan()
    {
        using var quantized = new IntegerScanGradientCase(new(24, 32, 8, 8, 1) { CoversAll = true });
        IntegerScanCase scan = quantized.Scan;
        using var exact = new SelectiveScanGradientCase(scan.Tokens, scan.Channels, scan.States)
        {
            U = scan.U,
            Delta = scan.Delta,
            A = [.. scan.ALog.Span.ToArray().Select(logarithm => -MathF.Exp(logarithm))],
            B = scan.B,
            C = scan.C,
            D = scan.D.Span.ToArray(),
            OutputGradient = quantized.OutputGradient,
        };
        Array[] actual = quantized.ResultsOf(IntegerScanGradient.Table.Best);
        float[][] expected = exact.GradientsOf(SelectiveScanGradient.Table.Best);
        string[] names = ["u", "delta", "B", "C"];
        for (int i = 0; i < names.Length; i++)
        {
            double cosine = TensorPrimitives.CosineSimilarity<float>((float[])actual[i], expected[i]);
            Assert.True(cosine > 0.99, $"{names[i]}: {cosine}");
        }
    }
}
