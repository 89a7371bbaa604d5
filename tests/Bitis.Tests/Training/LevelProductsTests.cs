using Bitis.Execution.LowBit;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Rounding;

namespace Bitis.Tests.Training;

/// <summary>The backward products of a layer of levels, compared with those of their values.</summary>
public sealed unsafe class LevelProductsTests
{
    private const int MostTokensAtOnce = 8192;

    [Theory]
    [InlineData(1, 1, 1, 4, 4)]
    [InlineData(7, 13, 5, 4, 4)]
    [InlineData(197, 70, 33, 4, 4)]
    [InlineData(50, 44, 255, 8, 8)]
    [InlineData(20, 64, 64, 6, 8)]
    [InlineData(MostTokensAtOnce + 9, 6, 5, 8, 8)]
    public void Products_differ_from_those_of_the_values_by_the_rounding_of_one_operand(
        int tokens, int outputs, int inputs, int weightBits, int inputBits)
    {
        var data = new Layer(tokens, outputs, inputs, weightBits, inputBits);
        using var products = new LevelProducts(outputs, inputs, weightBits);
        products.Prepare(data.WeightLevels, data.WeightScales);
        using NativeBuffer<float> y = NativeBuffer<float>.Of(data.Y), scales = NativeBuffer<float>.Of(data.Scales);
        using NativeBuffer<byte> levels = NativeBuffer<byte>.Of(data.Levels);
        using NativeBuffer<int> zeros = NativeBuffer<int>.Of(data.Zeros);
        using var scratch = new NativeBuffer<float>(products.ScratchLength(tokens));
        using var x = new NativeBuffer<float>(tokens * inputs);
        using NativeBuffer<float> weights = NativeBuffer<float>.Of(NumberArrays.Repeat(0.5f, inputs * outputs));
        products.WriteInputGradient(y.Pointer, outputs, tokens, x.Pointer, scratch.Pointer);
        products.AddWeightGradient(
            y.Pointer, outputs, tokens, levels.Pointer, inputs,
            new TokenParameters(scales.Pointer, zeros.Pointer, stride: 1), weights.Pointer, scratch.Pointer);

        for (int t = 0; t < tokens; t++)
        {
            double largest = Enumerable.Range(0, outputs).Max(i => Math.Abs(data.OfToken(t, i)));
            for (int j = 0; j < inputs; j++)
            {
                double exact = 0, sum = 0, magnitude = 0;
                for (int i = 0; i < outputs; i++)
                {
                    int level = data.WeightLevels[(i * inputs) + j];
                    exact += data.OfToken(t, i) * level;
                    magnitude += Math.Abs(data.OfToken(t, i) * level);
                    sum += Math.Abs(level);
                }
                double bound = (largest / 65024 * sum * 1.001) + (1e-6 * magnitude);
                Assert.InRange(x.Span[(t * inputs) + j], exact - bound, exact + bound);
            }
        }
        for (int i = 0; i < outputs; i++)
        {
            double largest = Enumerable.Range(0, tokens).Max(t => Math.Abs(data.OfChannel(t, i)));
            for (int j = 0; j < inputs; j++)
            {
                double exact = 0.5, sum = 0, magnitude = 0.5;
                for (int t = 0; t < tokens; t++)
                {
                    int level = data.Levels[(t * inputs) + j] - data.Zeros[t];
                    exact += data.OfChannel(t, i) * level;
                    int larger = Math.Max(data.Levels[(t * inputs) + j], data.Zeros[t]);
                    magnitude += Math.Abs(data.OfChannel(t, i)) * larger;
                    sum += Math.Abs(level);
                }
                double bound = (largest / 65024 * sum * 1.001) + (1e-6 * magnitude);
                Assert.InRange(weights.Span[(j * outputs) + i], exact - bound, exact + bound);
            }
        }
    }

    private sealed class Layer
    {
        public Layer(int tokens, int outputs, int inputs, int weightBits, int inputBits)
        {
            var random = new Random(tokens + outputs);
            int largest = (1 << (weightBits - 1)) - 1;
            Outputs = outputs;
            Y = Sample.Floats(1, tokens * outputs);
            Scales = Sample.Floats(2, tokens, 0.1f, 2f);
            WeightScales = Sample.Floats(3, outputs, 0.1f, 2f);
            WeightLevels =
                [.. Enumerable.Range(0, outputs * inputs).Select(_ => (sbyte)random.Next(-largest, largest + 1))];
            Levels = [.. Enumerable.Range(0, tokens * inputs).Select(_ => (byte)random.Next(1 << inputBits))];
            Zeros = [.. Enumerable.Range(0, tokens).Select(_ => random.Next(1 << inputBits))];
        }

        public float[] Y { get; }

        public float[] Scales { get; }

        public float[] WeightScales { get; }

        public sbyte[] WeightLevels { get; }

        public byte[] Levels { get; }

        public int[] Zeros { get; }

        private int Outputs { get; }

        /// <summary>ȳ·s_i.</summary>
        public double OfToken(int t, int i) => Y[(t * Outputs) + i] * WeightScales[i];

        /// <summary>ȳ·s_t.</summary>
        public double OfChannel(int t, int i) => Y[(t * Outputs) + i] * Scales[t];
    }
}
