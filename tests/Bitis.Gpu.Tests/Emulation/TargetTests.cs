using Bitis.Gpu.Emulation;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Tests.Emulation;

/// <summary>What drivers refuse or compute otherwise without a word.</summary>
public sealed class TargetTests
{
    /// <summary>sm_90a is known from version 8.0 on; with an older one the driver refuses the text.</summary>
    [Fact]
    public void Targets_have_the_version_that_knows_them()
    {
        Assert.StartsWith(".version 7.0\n.target sm_80\n", TextFor(PtxTarget.Sm80), StringComparison.Ordinal);
        Assert.StartsWith(".version 8.0\n.target sm_90a\n", TextFor(PtxTarget.Sm90a), StringComparison.Ordinal);
    }

    /// <summary>Near 1 the logarithm's error is absolute: of its small values nothing may be right.</summary>
    [Fact]
    public void Approximations_err_as_far_as_the_language_permits()
    {
        var errors = new ApproximationErrors(seed: 3);
        double exp2 = 0, log2 = 0, halves = 0;
        for (int i = 1; i < 2000; i++)
        {
            float x = i / 300f;
            exp2 = Math.Max(exp2, Math.Abs((errors.Exp2(-x) / Math.Pow(2, -x)) - 1));
            log2 = Math.Max(log2, Math.Abs(errors.Log2(1 + (i * 1e-7f)) - Math.Log2(1 + (i * 1e-7f))));
            halves = Math.Max(halves, Math.Abs((errors.Exp2OfHalf(-x) / Math.Pow(2, -x)) - 1));
        }
        Assert.InRange(exp2, Math.Pow(2, -22.5), Math.Pow(2, -21.7));
        Assert.InRange(log2, Math.Pow(2, -22.5), Math.Pow(2, -21.9));
        Assert.InRange(halves, Math.Pow(2, -10.2), Math.Pow(2, -9.89));
    }

    private static string TextFor(PtxTarget target) => new PtxWriter("test", 32).Finish(target).Text;
}
