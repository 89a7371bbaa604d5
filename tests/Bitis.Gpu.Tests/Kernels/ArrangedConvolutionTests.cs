using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Emulation.Memory;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Convolutions;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Tests.Kernels;

/// <summary>Convolutions along the tokens in any orders, against their definition.</summary>
public sealed class ArrangedConvolutionTests
{
    [Theory]
    [InlineData(2, 4, 25, 20, 40, 4, "floats")]
    [InlineData(1, 1, 16, 16, 130, 3, "halves")]
    [InlineData(1, 2, 1, 1, 5, 4, "floats")]
    [InlineData(2, 4, 25, 20, 40, 4, "integers")]
    [InlineData(2, 4, 25, 20, 40, 4, "integers to levels of scans")]
    public void Outputs_are_those_of_the_definition(
        int images, int directions, int steps, int rows, int channels, int taps, string form)
    {
        bool areHalves = form == "halves", quantizes = form.StartsWith("integers", StringComparison.Ordinal);
        bool writesScanLevels = form == "integers to levels of scans";
        var random = new RandomValues(1);
        var shape = new ArrangedConvolutionShape(directions, steps, channels, taps)
        {
            InputRows = rows,
            InputStride = channels + (channels % 2 == 0 ? 6 : 5),
            AtOnce = channels % 2 == 0 ? 2 : 1,
            HasSilu = !quantizes,
            ReadsHalves = areHalves,
            WritesHalves = areHalves,
            QuantizesInput = quantizes,
            WritesScanLevels = writesScanLevels,
            Levels = new LevelShape(251, HasFactors: true),
        };
        float[] x = random.Floats(images * rows * shape.InputStride, -2, 2, areHalves);
        float[] weights = quantizes
            ? random.Integers(directions * taps * channels, -127, 128)
            : random.Floats(directions * taps * channels);
        float[] biases = random.Floats(directions * channels), factors = random.Floats(directions * channels, 0.5f, 2);
        float[] inverses = random.Floats(directions * steps, 20, 60);
        float[] zeros = random.Integers(directions * steps, 20, 90);
        float[][] grids = [.. Enumerable.Range(0, directions).Select(_ => Quantizer(random, channels))];
        float[] lows = random.Integers(directions * channels, -255, 1), scales = random.Floats(lows.Length, 20, 60);
        float[] scan = [.. Enumerable.Range(0, directions).SelectMany(d => (float[])[
            .. scales.AsSpan(d * channels, channels), .. lows.AsSpan(d * channels, channels),
            .. lows[(d * channels)..((d + 1) * channels)].Select(low => low + 255)])];
        int[] map = [.. Enumerable.Range(0, directions).SelectMany(_ => random.Rows(steps, rows))];
        using var device = new EmulatedDevice(PtxTarget.Sm80, quantizes ? null : 9);
        GpuKernelRow<ArrangedConvolutionShape> row = ArrangedConvolutionKernels.Table.Best(device, shape, images);
        using GpuFunction function = device.Load(row.Emit(shape, PtxTarget.Sm80));
        int all = directions * images * steps;
        GpuBuffer output = device.Allocate(all * shape.OutputStride * shape.OutputBytes);
        GpuBuffer levels = device.Allocate(all * shape.LevelStride);
        var operands = new ArrangedConvolutionOperands
        {
            Images = images,
            Input = KernelRun.Upload(device, x, areHalves),
            Rows = device.Upload<int>(map),
            Weights = device.Upload<float>(weights),
            Biases = device.Upload<float>(biases),
            Output = output,
            RowsOfDirection = images * steps,
            InputQuantizers = device.Upload<float>([.. grids.SelectMany(grid => grid)]),
            ScanQuantizers = device.Upload<float>(scan),
            LevelTarget = levels,
            Levels = new LevelOperands(
                device.Upload<float>(inverses), device.Upload<float>(zeros), device.Upload<float>(factors)),
        };
        using GpuGraph graph = device.Record([operands.Launch(function, row, shape)]);
        graph.Run();
        for (int i = 0; i < all * channels; i++)
        {
            (int place, int channel) = Math.DivRem(i, channels);
            int direction = place / (images * steps), image = place / steps % images, step = place % steps;
            double sum = 0;
            for (int k = 0; k < taps; k++)
            {
                int source = step - (taps - 1) + k, from = source < 0 ? -1 : map[(direction * steps) + source];
                if (from < 0)
                    continue;
                float value = x[(((image * rows) + from) * shape.InputStride) + channel];
                if (quantizes)
                    value = Center(value, grids[direction], channel, channels);
                sum += (double)weights[(((direction * taps) + k) * channels) + channel] * value;
            }
            float bias = biases[(direction * channels) + channel];
            double expected = quantizes
                ? ((float)sum * grids[direction][(3 * channels) + channel]) + bias
                : (sum + bias) / (1 + Math.Exp(-(sum + bias)));
            int at = (place * shape.OutputStride) + channel, ofChannel = (direction * channels) + channel;
            if (writesScanLevels)
            {
                float low = lows[ofChannel];
                float rounded = MathF.Round((float)expected * scales[ofChannel]);
                Assert.Equal(Math.Clamp(rounded, low, low + 255) - low, ((EmulatedBuffer)output).Peek(at, 1)[0]);
            }
            else
            {
                double written = KernelRun.Peek(output, at, areHalves);
                double tolerance = quantizes ? 0 : areHalves ? Math.Max(1e-5, Math.Abs(expected) / 2000) : 5e-6;
                Assert.InRange(written - expected, -tolerance, tolerance);
            }
            int group = (direction * steps) + step;
            double level = Math.Clamp(
                Math.Round(expected * factors[(direction * channels) + channel] * inverses[group]) + zeros[group], 0,
                251);
            byte byteWritten = ((EmulatedBuffer)levels).Peek((place * shape.LevelStride) + channel, 1)[0];
            Assert.InRange(byteWritten - level, -1, 1);
        }
    }

    private static float[] Quantizer(RandomValues random, int channels)
    {
        float[] zeros = random.Integers(channels, 90, 160);
        return
        [
            .. random.Floats(channels, 40, 90), .. zeros.Select(zero => -zero), .. zeros.Select(zero => 255 - zero),
            .. random.Floats(channels, 1e-5f, 1e-4f),
        ];
    }

    private static float Center(float x, float[] grid, int channel, int channels) =>
        Math.Clamp(MathF.Round(x * grid[channel]), grid[channels + channel], grid[(2 * channels) + channel]);
}
