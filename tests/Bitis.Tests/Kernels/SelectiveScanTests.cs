using Bitis.Kernels.Scan;

namespace Bitis.Tests.Kernels;

public sealed class SelectiveScanTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 16, 16)]
    [InlineData(5, 7, 3)]
    [InlineData(40, 37, 16)]
    [InlineData(17, 32, 1)]
    [InlineData(197, 20, 16)]
    [InlineData(0, 16, 16)]
    public void Every_form_follows_the_float64_recurrence_and_all_forms_agree_bit_for_bit(
        int tokens, int channels, int states)
    {
        foreach (bool reverse in (bool[])[false, true])
        {
            var data = new SelectiveScanCase(tokens, channels, states) { Reverse = reverse, Padding = 3 };
            KernelAssert.FormsAgree(data with { Softplus = true, HasGate = true, HasSkip = true });
            KernelAssert.FormsAgree(data with { Accumulate = true, OutputScale = 0.5f });
            KernelAssert.FormsAgree(data with { Softplus = true, Vanishes = true });
        }
    }

    [Fact]
    public void A_split_over_channels_gives_the_same_bits()
    {
        var data = new SelectiveScanCase(23, 45, 16) { Softplus = true, HasGate = true, HasSkip = true, Padding = 3 };
        KernelAssert.SameBits(data, data with { Cuts = [5, 38] });
    }

    [Fact]
    public void The_number_of_states_is_checked()
    {
        foreach (int states in new[] { 0, SelectiveScan.MaxStates + 1 })
        {
            Assert.Throws<ArgumentOutOfRangeException>(
                () => SelectiveScan.Run(new SelectiveScanCall { States = states }, 0, 0));
        }
    }

    [Fact]
    public void A_is_packed_as_powers_of_two()
    {
        var packed = new float[6];
        SelectiveScan.PackA([0f, 1f, 2f, 3f, 4f, 5f], packed, channels: 2, states: 3);
        Assert.Equal(-1 / Math.Log(2), packed[0], 1e-6);
        Assert.Equal(-Math.Exp(3) / Math.Log(2), packed[1], 1e-5);
        Assert.Equal(-Math.E / Math.Log(2), packed[2], 1e-6);
        Assert.Throws<ArgumentException>(() => SelectiveScan.PackA([0f], packed, 2, 3));
    }
}
