using System.Numerics.Tensors;
using Bitis.Execution.LowBit;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Memory;

namespace Bitis.Tests.Training;

/// <summary>When the Hadamard transform along the channels of ȳ brings x̄ = ȳ·W closer to the exact one.</summary>
public sealed unsafe class InputGradientProductTests
{
    private const int Tokens = 32, Outputs = 96, Inputs = 48;

    [Fact]
    public void Channels_that_stand_out_need_the_transform()
    {
        float[] y = Sample.Floats(1, Tokens * Outputs);
        for (int token = 0; token < Tokens; token++)
            y[(token * Outputs) + 5] *= 20;
        Assert.True(Error(y, transforms: true) < 0.7 * Error(y, transforms: false));
    }

    [Fact]
    public void Channels_of_one_size_are_closer_without_it()
    {
        float[] y = Sample.Floats(1, Tokens * Outputs);
        Assert.True(Error(y, transforms: false) < 0.8 * Error(y, transforms: true));
    }

    [Fact]
    public void Levels_of_8_bits_are_close_without_it()
    {
        float[] y = Sample.Floats(1, Tokens * Outputs);
        Assert.InRange(Error(y, transforms: false, bits: 8), 0.001, 0.02);
    }

    /// <summary>The distance of x̄ from the exact product, relative to the latter.</summary>
    private static double Error(float[] y, bool transforms, int bits = 4)
    {
        float[] weights = Sample.Floats(2, Outputs * Inputs);
        using TokenBlocks blocks = TokenBlocks.None(GridLayout.Grid(4, Tokens / 4), images: 1);
        using var product = new InputGradientProduct(
            new GradientArithmetic(bits, Hadamard: transforms), GradientScale.Token, blocks, Outputs, Inputs, Tokens,
            images: 1);
        product.Prepare(weights);
        using NativeBuffer<float> gradient = NativeBuffer<float>.Of(y);
        using var x = new NativeBuffer<float>(Tokens * Inputs);
        using var scratch = new NativeBuffer<float>(product.ScratchLength);
        product.Run(
            gradient.Pointer, Outputs, images: 1, x.Pointer, Inputs, accumulate: false, scratch.Pointer, key: 7);
        float[] expected = new float[Tokens * Inputs];
        for (int i = 0; i < expected.Length; i++)
        {
            for (int k = 0; k < Outputs; k++)
                expected[i] += y[(i / Inputs * Outputs) + k] * weights[(k * Inputs) + (i % Inputs)];
        }
        return TensorPrimitives.Distance<float>(expected, x.Span) / TensorPrimitives.Norm<float>(expected);
    }
}
