using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Emulation.Memory;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Convolutions;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Tests.Kernels;

/// <summary>The convolutions of both directions, against their definition in float64.</summary>
public sealed class ConvolutionTests
{
    [Theory]
    [InlineData(2, 17, 130, 4, false)]
    [InlineData(1, 1, 5, 4, false)]
    [InlineData(1, 32, 128, 1, false)]
    [InlineData(3, 50, 33, 7, false)]
    [InlineData(2, 17, 130, 4, true)]
    [InlineData(1, 50, 33, 7, true)]
    public void Outputs_are_those_of_the_definition(int images, int tokens, int channels, int taps, bool areHalves)
    {
        var random = new Random(1);
        float[] Values(int count, float low, float high) =>
            [.. Enumerable.Range(0, count).Select(_ => low + (random.NextSingle() * (high - low)))];
        var shape = new ConvolutionShape(tokens, channels, taps)
        {
            InputStride = (2 * channels) + 3,
            AreHalves = areHalves,
            Levels = new LevelShape(251, HasFactors: areHalves),
        };
        float[] x = Values(images * tokens * shape.InputStride, -2, 2), weights = Values(2 * taps * channels, -1, 1);
        if (areHalves)
            x = Array.ConvertAll(x, value => (float)(Half)value);
        float[] biases = Values(2 * channels, -1, 1), inverses = Values(2 * tokens, 20, 60);
        float[] zeros = [.. Values(2 * tokens, 20, 90).Select(zero => MathF.Round(zero))];
        float[] factors = areHalves ? Values(2 * channels, 0.5f, 2) : [.. Enumerable.Repeat(1f, 2 * channels)];
        using var device = new EmulatedDevice(PtxTarget.Sm80, seed: 9);
        GpuKernelRow<ConvolutionShape> row = ConvolutionKernels.Table.Best(device, shape, images);
        using GpuFunction function = device.Load(row.Emit(shape, PtxTarget.Sm80));
        int count = images * tokens * channels, rows = images * tokens, bytes = rows * shape.LevelStride;
        int bytesOfU = rows * shape.OutputStride * shape.OutputBytes;
        GpuBuffer[] u = [device.Allocate(bytesOfU), device.Allocate(bytesOfU)];
        GpuBuffer[] levels = [device.Allocate(bytes), device.Allocate(bytes)];
        var operands = new ConvolutionOperands
        {
            Images = images,
            Input = KernelRun.Upload(device, x, areHalves),
            Weights = device.Upload<float>(weights),
            Biases = device.Upload<float>(biases),
            Forward = u[0],
            Backward = u[1],
            ForwardLevels = levels[0],
            BackwardLevels = levels[1],
            Levels = new LevelOperands(
                device.Upload<float>(inverses), device.Upload<float>(zeros), device.Upload<float>(factors)),
        };
        using GpuGraph graph = device.Record([operands.Launch(function, row, shape)]);
        graph.Run();
        for (int i = 0; i < 2 * count; i++)
        {
            (int direction, int place) = Math.DivRem(i, count);
            (int token, int channel) = Math.DivRem(place, channels);
            double sum = biases[(direction * channels) + channel];
            for (int k = 0; k < taps; k++)
            {
                int offset = direction == 0 ? k - (taps - 1) : taps - 1 - k, t = (token % tokens) + offset;
                if (t >= 0 && t < tokens)
                {
                    sum += (double)weights[(((direction * taps) + k) * channels) + channel]
                        * x[((token + offset) * shape.InputStride) + channel];
                }
            }
            double expected = sum / (1 + Math.Exp(-sum));
            double value = KernelRun.Peek(u[direction], (token * shape.OutputStride) + channel, areHalves);
            double tolerance = areHalves ? Math.Max(1e-5, Math.Abs(expected) / 2000) : 5e-6;
            Assert.InRange(value - expected, -tolerance, tolerance);
            int group = (direction * tokens) + (token % tokens);
            double level = Math.Clamp(
                Math.Round(expected * factors[(direction * channels) + channel] * inverses[group]) + zeros[group], 0,
                251);
            byte written = ((EmulatedBuffer)levels[direction]).Peek((token * shape.LevelStride) + channel, 1)[0];
            Assert.InRange(written - level, -1, 1);
        }
    }

    [Theory]
    [InlineData(2, 17, 130, 4)]
    [InlineData(1, 1, 5, 4)]
    [InlineData(1, 32, 128, 1)]
    [InlineData(2, 50, 33, 7)]
    public void Quantized_layers_have_the_bits_of_the_CPU(int images, int tokens, int channels, int taps)
    {
        var data = new IntegerConvolutionCase(images, tokens, channels, taps);
        Assert.Equal(data.Expected, data.Run());
    }

    [Theory]
    [InlineData("cvt.rni.f32.f32", "mov.f32", 1)]
    [InlineData("max.f32", "min.f32", 3)]
    [InlineData("min.f32", "max.f32", 3)]
    [InlineData("setp.lt.s32", "setp.le.s32", 1)]
    [InlineData("fma.rn.f32", "", 5)]
    [InlineData("mul.rn.f32", "add.rn.f32", 30)]
    [InlineData("st.global.f32", "", 7)]
    public void Mutants_of_quantized_layers_are_caught(string text, string replacement, int occurrence)
    {
        var data = new IntegerConvolutionCase(images: 2, tokens: 20, channels: 70, taps: 4);
        bool isCaught;
        try
        {
            isCaught = !data.Run(kernel => kernel with
            {
                Text = Mutation.Replace(kernel.Text, text, replacement, occurrence),
            }).AsSpan().SequenceEqual(data.Expected);
        }
        catch (EmulationException)
        {
            isCaught = true;
        }
        Assert.True(isCaught, $"{text} -> {replacement}");
    }
}
