using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Merging;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Tests.Kernels;

/// <summary>Means over tokens and gated sums, against their definitions.</summary>
public sealed class MergingTests
{
    [Theory]
    [InlineData(1, 17, 45, false, false)]
    [InlineData(2, 3, 130, true, false)]
    [InlineData(2, 20, 64, true, true)]
    [InlineData(1, 1, 1, false, true)]
    public void Means_are_those_of_the_tokens(int images, int tokens, int channels, bool ofNorms, bool areHalves)
    {
        const float Epsilon = 1e-5f;
        var random = new RandomValues(1);
        var shape = new MeanShape(tokens, channels)
        {
            InputStride = channels + 3,
            ReadsHalves = areHalves,
            Epsilon = ofNorms ? Epsilon : null,
            WritesHalves = areHalves,
            OutputStride = channels + 1,
        };
        float[] x = random.Floats(images * tokens * shape.InputStride, -2, 3, areHalves);
        float[] weight = random.Floats(channels), bias = random.Floats(channels);
        using var device = new EmulatedDevice(PtxTarget.Sm80, seed: 2);
        GpuKernelRow<MeanShape> row = MeanKernels.Table.Best(device, shape, images);
        using GpuFunction function = device.Load(row.Emit(shape, PtxTarget.Sm80));
        GpuBuffer output = device.Allocate(images * shape.OutputStride * sizeof(float));
        var operands = new MeanOperands
        {
            Images = images,
            Input = KernelRun.Upload(device, x, areHalves),
            Output = output,
            Weight = device.Upload<float>(weight),
            Bias = device.Upload<float>(bias),
        };
        using GpuGraph graph = device.Record([operands.Launch(function, row, shape)]);
        graph.Run();
        Assert.Equal(device.Measurements.IdealSharedPasses, device.Measurements.SharedPasses);
        for (int image = 0; image < images; image++)
        {
            var sums = new double[channels];
            for (int t = 0; t < tokens; t++)
            {
                double[] token = [.. x.AsSpan(((image * tokens) + t) * shape.InputStride, channels).ToArray()
                    .Select(value => (double)value)];
                double mean = ofNorms ? token.Average() : 0;
                double root = ofNorms ? Math.Sqrt(token.Average(v => (v - mean) * (v - mean)) + Epsilon) : 1;
                for (int c = 0; c < channels; c++)
                    sums[c] += (token[c] - mean) / root / tokens;
            }
            for (int c = 0; c < channels; c++)
            {
                double expected = ofNorms ? (sums[c] * weight[c]) + bias[c] : sums[c];
                double tolerance = areHalves ? 2e-5 + Math.Abs(expected) / 2000 : 1e-5;
                float written = KernelRun.Peek(output, (image * shape.OutputStride) + c, areHalves);
                Assert.InRange(written - expected, -tolerance, tolerance);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Missing_barriers_are_caught(int columns)
    {
        var shape = new MeanShape(16, 32 * columns);
        using var device = new EmulatedDevice(PtxTarget.Sm80);
        PtxKernel kernel = MeanKernels.Table.Rows[0].Emit(shape, PtxTarget.Sm80);
        using GpuFunction function = device.Load(kernel with
        {
            Text = Mutation.Replace(kernel.Text, "bar.sync 0", "", 1),
        });
        GpuBuffer input = device.Upload<float>(new float[16 * 32 * columns]), output = device.Allocate(128 * columns);
        var operands = new MeanOperands { Images = 1, Input = input, Output = output };
        using GpuGraph graph = device.Record([operands.Launch(function, MeanKernels.Table.Rows[0], shape)]);
        Assert.Throws<EmulationException>(graph.Run);
    }

    [Theory]
    [InlineData(2, 4, 9, 40, false, 2)]
    [InlineData(2, 2, 15, 36, true, 2)]
    [InlineData(2, 3, 9, 41, false, 1)]
    [InlineData(1, 1, 3, 5, true, 1)]
    public void Gated_sums_have_the_rounding_of_the_CPU(
        int images, int terms, int rows, int columns, bool areHalves, int atOnce)
    {
        var random = new RandomValues(1);
        var shape = new GatedSumShape(terms, rows, columns)
        {
            TermStride = columns + 4,
            GateStride = columns + 2,
            ReadsHalves = areHalves,
            AtOnce = atOnce,
            OutputStride = columns + 2,
        };
        float[] gates = random.Floats(images * terms * shape.GateStride);
        float[][] x = [.. Enumerable.Range(0, terms).Select(
            _ => random.Floats(images * rows * shape.TermStride, -1, 1, areHalves))];
        using EmulatedDevice device = KernelRun.Device();
        using GpuFunction function = device.Load(GatedSumKernels.Table.Rows[0].Emit(shape, PtxTarget.Sm80));
        GpuBuffer output = device.Allocate(images * rows * shape.OutputStride * sizeof(float));
        GpuLaunch launch = GatedSumKernels.Launch(
            function, shape, images, device.Upload<float>(gates),
            [.. x.Select(term => (GpuArgument)KernelRun.Upload(device, term, areHalves))], output, levels: null);
        using GpuGraph graph = device.Record([launch]);
        graph.Run();
        for (int i = 0; i < images * rows * columns; i++)
        {
            (int row, int column) = Math.DivRem(i, columns);
            float expected = 0;
            for (int k = 0; k < terms; k++)
            {
                float gate = gates[(((row / rows * terms) + k) * shape.GateStride) + column];
                float value = x[k][(row * shape.TermStride) + column];
                expected = k == 0 ? value * gate : MathF.FusedMultiplyAdd(value, gate, expected);
            }
            Assert.Equal(expected, KernelRun.Peek(output, (row * shape.OutputStride) + column, isHalf: false));
        }
    }
}
