namespace Bitis.Tests.Kernels;

[Trait(Speed.Name, Speed.Slow)]
public sealed class SelectiveScanGradientTests
{
    [Theory]
    [InlineData(1, 1, 1, false)]
    [InlineData(3, 16, 2, true)]
    [InlineData(8, 5, 3, false)]
    [InlineData(9, 19, 4, true)] // a chunk and a token, a register and single channels
    [InlineData(20, 33, 1, false)]
    public void Every_form_equals_finite_differences_in_float64(int tokens, int channels, int states, bool reverse)
    {
        var data = new SelectiveScanGradientCase(tokens, channels, states) { Reverse = reverse };
        KernelAssert.FormsAgree(data);
    }

    [Fact]
    public void The_gradient_of_u_adds_to_what_is_there_and_those_of_parameters_always_do() =>
        KernelAssert.FormsAgree(new SelectiveScanGradientCase(5, 18, 3) { AccumulateU = true, Start = 1 });

    [Theory]
    [InlineData(16, false)]
    [InlineData(32, true)]
    public void The_distance_of_checkpoints_does_not_change_the_bits(int distance, bool reverse)
    {
        var data = new SelectiveScanGradientCase(Tokens: 77, Channels: 19, States: 5) { Reverse = reverse, Start = 1 };
        KernelAssert.SameBits(data, data with { CheckpointTokens = distance });
    }
}
