using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Convolutions;

/// <summary>How values of a channel become levels, and sums of products with them values again.</summary>
/// <param name="InverseScale">1/scale.</param>
/// <param name="Lowest">The lowest level less the zero point.</param>
/// <param name="Highest">The highest level less the zero point.</param>
/// <param name="SumScale">What sums are multiplied by.</param>
internal sealed record ChannelQuantizer(
    Register InverseScale, Register Lowest, Register Highest, Register SumScale)
{
    /// <summary>The level of a value less the zero point, as a float.</summary>
    public Register Center(PtxWriter w, Register value) => w.Center(value, InverseScale, Lowest, Highest);

    /// <summary>The value of a sum: every product and sum rounded, as on the CPU.</summary>
    public Register Scale(PtxWriter w, Register sum, Register? bias)
    {
        Register value = w.Multiply(sum, SumScale);
        return bias is { } b ? w.Add(value, b) : value;
    }
}
