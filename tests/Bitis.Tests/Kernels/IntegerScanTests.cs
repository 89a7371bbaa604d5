using Bitis.Kernels.Scan;

namespace Bitis.Tests.Kernels;

/// <summary>Every form of the integer scan against its definition, bit for bit.</summary>
public sealed unsafe class IntegerScanTests
{
    [Theory]
    [InlineData(1, 1, 1, 8)]
    [InlineData(5, 16, 16, 8)]
    [InlineData(33, 37, 16, 4)]
    [InlineData(20, 80, 3, 6)]
    [InlineData(17, 48, 1, 4)]
    [InlineData(65, 130, 16, 8)]
    [InlineData(9, 32, 21, 2)]
    public void Every_form_computes_what_the_definition_says(int tokens, int channels, int states, int bits)
    {
        foreach (bool hasFineScales in (bool[])[false, true])
        {
            foreach (bool reverse in (bool[])[false, true])
            {
                foreach (int groups in (int[])[1, 4])
                    Check(new IntegerScanCase(tokens, channels, states, bits, groups, HasFineScales: hasFineScales, reverse));
            }
        }
    }

    [Fact]
    public void Extreme_operands_saturate_alike()
    {
        var data = new IntegerScanCase(30, 32, 4, 8, 3, HasFineScales: true, Reverse: false) { Magnitude = 1000 };
        Check(data);
    }

    [Theory]
    [InlineData(1, 16, 1, 8)]
    [InlineData(33, 37, 16, 4)]
    [InlineData(20, 80, 3, 6)]
    [InlineData(65, 130, 17, 8)]
    public void What_is_not_finite_becomes_a_level_as_the_definition_says(int tokens, int channels, int states, int bits)
    {
        foreach (bool hasFineScales in (bool[])[false, true])
            Check(new IntegerScanCase(tokens, channels, states, bits, 4, HasFineScales: hasFineScales, Reverse: hasFineScales) { IsSpoiled = true });
    }

    [Fact]
    public void A_split_over_channels_gives_the_same_bits_and_the_output_can_be_added()
    {
        var data = new IntegerScanCase(11, 100, 16, 8, 2, HasFineScales: true, Reverse: false);
        foreach (IntegerScanKernel kernel in IntegerScan.Table.Runnable)
        {
            float[] whole = data.Run(kernel, accumulate: false, 0, 100);
            Assert.Equal(Sample.Bits(whole), Sample.Bits(data.Run(kernel, accumulate: false, 0, 64, 100)));
            Assert.Equal(Sample.Bits([.. whole.Select(y => 1f + y)]), Sample.Bits(data.Run(kernel, accumulate: true, 0, 100)));
        }
    }

    private static void Check(IntegerScanCase data)
    {
        float[] expected = data.Expected();
        Assert.Contains(expected, value => value != 0);
        foreach (IntegerScanKernel kernel in IntegerScan.Table.Runnable)
        {
            float[] actual = data.Run(kernel, accumulate: false, 0, data.Channels);
            int wrong = -1;
            for (int i = 0; i < actual.Length && wrong < 0; i++)
                wrong = BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(actual[i]) ? i : -1;
            Assert.True(wrong < 0, $"{kernel} {data}: at {wrong} {(wrong < 0 ? 0 : actual[wrong])}, expected {(wrong < 0 ? 0 : expected[wrong])}");
        }
    }
}
