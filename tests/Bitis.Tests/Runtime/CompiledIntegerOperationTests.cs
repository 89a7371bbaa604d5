using Bitis.Execution.Compiled.Integer;
using Bitis.Execution.Planning;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;

namespace Bitis.Tests.Runtime;

/// <summary>The operations of a plan that round to levels, each by itself.</summary>
public sealed class CompiledIntegerOperationTests
{
    private readonly OperationBench _bench = new();

    [Fact]
    public void Levels_are_unsigned_bytes_around_the_zero_point()
    {
        UniformQuantizer quantizer = UniformQuantizer.Asymmetric(4, Granularity.PerTensor, [0.5f], [3]);
        ArenaMatrix x = _bench.Matrix(2, [0, 0.5f, -1, 100, -100, 1.2f], padding: 1);
        ArenaBlock levels = _bench.Block(6);
        var operation = new CompiledQuantize(
            "n", x, levels, stride: 2, new TokenParameterBuffers(quantizer, isReversed: false), maxLevel: 15);
        Assert.Equal([3, 4, 1, 15, 0, 5], _bench.Run(operation, levels));
    }

    [Theory]
    [InlineData(false, new float[] { 1, 2, 2, 4 })]
    [InlineData(true, new float[] { 2, 2, 1, 4 })] // the first row in memory is the last token
    public void Values_are_rounded_with_the_scale_of_their_token(bool isReversed, float[] expected)
    {
        UniformQuantizer quantizer = UniformQuantizer.Symmetric(8, Granularity.PerToken, [1, 2]);
        ArenaMatrix x = _bench.Matrix(2, [1.2f, 1.7f, 1.2f, 3.6f], padding: 1), y = _bench.Result(2, 2);
        ArenaMatrix input = isReversed ? x.Reverse() : x;
        Assert.Equal(expected, _bench.Run(new CompiledRound("n", input, y, quantizer), y));
    }

    [Fact]
    public void Centered_levels_have_the_scale_of_their_channel()
    {
        UniformQuantizer quantizer = UniformQuantizer.Asymmetric(4, Granularity.PerChannel, [1, 0.5f], [0, 8]);
        ArenaMatrix x = _bench.Matrix(2, [3.4f, 1, -2, -9, 99, 99], padding: 1), y = _bench.Result(3, 2, padding: 2);
        Assert.Equal([3, 2, 0, -8, 15, 7], _bench.Run(new CompiledCenterLevels("n", x, y, quantizer), y));
    }

    [Fact]
    public void Blocks_of_channels_are_rotated()
    {
        ArenaMatrix x = _bench.Matrix(4, [1, 1, 2, -2, 0, 4, 3, 3], padding: 1), y = _bench.Result(2, 4, padding: 1);
        float[] actual = _bench.Run(new CompiledRotate("n", x, y, order: 2), y);
        float[] expected = [2, 0, 0, 4, 4, -4, 6, 0];
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i] / MathF.Sqrt(2), actual[i], 1e-5f);
    }

    [Fact]
    public void Parameters_lie_in_the_order_of_memory()
    {
        UniformQuantizer quantizer = UniformQuantizer.Asymmetric(8, Granularity.PerToken, [1, 2, 4], [7, 8, 9]);
        using var forward = new TokenParameterBuffers(quantizer, isReversed: false);
        using var backward = new TokenParameterBuffers(quantizer, isReversed: true);
        Assert.Equal((1, 1), (forward.Stride, backward.Stride));
        Assert.Equal((1f, 7), First(forward));
        Assert.Equal((0.25f, 9), First(backward));

        static unsafe (float InverseScale, int ZeroPoint) First(TokenParameterBuffers buffers) =>
            (*buffers.InverseScales, *buffers.ZeroPoints);
    }
}
