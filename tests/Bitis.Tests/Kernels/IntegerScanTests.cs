namespace Bitis.Tests.Kernels;

/// <summary>Every form of the integer scan against its definition, bit for bit.</summary>
public sealed class IntegerScanTests
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
                {
                    KernelAssert.FormsAgree(new IntegerScanCase(tokens, channels, states, bits, groups)
                    {
                        HasFineScales = hasFineScales,
                        Reverse = reverse,
                    });
                }
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(32)]
    public void Codes_beyond_the_table_take_its_ends_for_any_number_of_states(int states)
    {
        var data = new IntegerScanCase(Tokens: 21, Channels: 44, states, Bits: 8, Groups: 4) { HasExtremeRates = true };
        KernelAssert.FormsAgree(data);
        KernelAssert.FormsAgree(data with { HasFineScales = true, Reverse = true, Accumulate = true });
        KernelAssert.FormsAgree(data with { HasExtremes = true, Bits = 4 });
    }

    [Theory]
    [InlineData(2200, 1)]
    [InlineData(300, 16)]
    [InlineData(300, 33)]
    public void Sequences_that_are_scanned_part_by_part_give_the_same_bits(int tokens, int states) =>
        KernelAssert.FormsAgree(new IntegerScanCase(tokens, Channels: 32, states, Bits: 8, Groups: 3)
        {
            HasFineScales = true,
            Reverse = true,
        });

    [Fact]
    public void The_outputs_are_not_all_zeros()
    {
        using var data = new IntegerScanCase(20, 80, 3, 6, Groups: 1);
        Assert.Contains((float[])data.ResultsOf(data.Rows[^1])[0], value => value != 0);
    }

    [Fact]
    public void Extreme_operands_saturate_alike() =>
        KernelAssert.FormsAgree(new IntegerScanCase(30, 32, 4, 8, 3) { HasFineScales = true, Magnitude = 1000 });

    [Theory]
    [InlineData(1, 16, 1, 8)]
    [InlineData(33, 37, 16, 4)]
    [InlineData(20, 80, 3, 6)]
    [InlineData(65, 130, 17, 8)]
    public void What_is_not_finite_becomes_a_level_as_the_definition_says(
        int tokens, int channels, int states, int bits)
    {
        var data = new IntegerScanCase(tokens, channels, states, bits, Groups: 4) { HasExtremes = true };
        KernelAssert.FormsAgree(data);
        KernelAssert.FormsAgree(data with { HasFineScales = true, Reverse = true });
    }

    [Fact]
    public void A_split_over_channels_gives_the_same_bits_and_the_output_can_be_added()
    {
        var data = new IntegerScanCase(11, 100, 16, 8, 2) { HasFineScales = true };
        KernelAssert.SameBits(data, data with { Cuts = [64] });
        KernelAssert.FormsAgree(data with { Accumulate = true });
    }
}
