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
    /// <summary>Reads the parameters of a channel, from four rows of channels.</summary>
    /// <param name="w">The kernel.</param>
    /// <param name="ofChannel">The address of the channel in the first row of the table.</param>
    /// <param name="first">The values before the four rows.</param>
    /// <param name="channels">The length of a row.</param>
    public static ChannelQuantizer Read(PtxWriter w, Register ofChannel, int first, int channels)
    {
        Register[] values = [.. Enumerable.Range(0, 4).Select(
            row => w.LoadConstant(ofChannel, (first + (row * channels)) * sizeof(float)))];
        return new ChannelQuantizer(values[0], values[1], values[2], values[3]);
    }

    /// <summary>The level of a value less the zero point, as a float.</summary>
    public Register Center(PtxWriter w, Register value) => w.Center(value, InverseScale, Lowest, Highest);

    /// <summary>The value of a sum: every product and sum rounded, as on the CPU.</summary>
    public Register Scale(PtxWriter w, Register sum, Register? bias)
    {
        Register value = w.Multiply(sum, SumScale);
        return bias is { } b ? w.Add(value, b) : value;
    }
}
