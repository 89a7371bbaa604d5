namespace Bitis.Tests.Quantization;

/// <summary>Bits of weights and activations.</summary>
public sealed class BitWidthsTests
{
    [Theory]
    [InlineData(9, 8, "9 bits for a weight")]
    [InlineData(8, 1, "1 bits for an activation")]
    [InlineData(0, 0, "0 bits for a weight")]
    public void Bits_out_of_range_are_refused_at_once(int weights, int activations, string message)
    {
        BitisException e = Assert.Throws<BitisException>(() => new BitWidths(weights, activations));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.Contains("2 to 8, or 32", e.Message, StringComparison.Ordinal);
        Assert.Throws<BitisException>(() => new BitWidths(8, 8) with { Weights = weights, Activations = activations });
    }

    [Fact]
    public void A_text_is_read_back()
    {
        foreach (BitWidths bits in (BitWidths[])[new(4, 8), new(2, BitWidths.Float), BitWidths.None])
            Assert.Equal(bits, BitWidths.Parse(bits.ToString()));
        Assert.Equal((4, 8), (BitWidths.Parse("W4A8").Weights, BitWidths.Parse("w4a8").Activations));
    }
}
