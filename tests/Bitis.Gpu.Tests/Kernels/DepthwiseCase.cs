using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Emulation.Memory;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Convolutions;
using Bitis.Gpu.Ptx;
using Bitis.Graphs.Operators;

namespace Bitis.Gpu.Tests.Kernels;

/// <summary>A random depthwise convolution over a grid, and what its definition makes of it.</summary>
internal sealed class DepthwiseCase
{
    private readonly DepthwiseShape _shape;
    private readonly int _images;
    private readonly float[] _x;
    private readonly float[] _weights;
    private readonly float[] _biases;
    private readonly float[] _quantizers;
    private readonly float[] _inverses;
    private readonly float[] _zeros;
    private readonly float[] _factors;
    private readonly float[] _scanQuantizers;

    public DepthwiseCase(DepthwiseShape shape, int images)
    {
        (_shape, _images) = (shape, images);
        var random = new RandomValues(1);
        int channels = shape.Channels, taps = shape.Side * shape.Side, tokens = shape.Height * shape.Width;
        _x = random.Floats(images * tokens * shape.InputStride, -2, 2, shape.ReadsHalves);
        _weights = shape.QuantizesInput
            ? random.Integers(taps * channels, -127, 128)
            : random.Floats(taps * channels);
        _biases = random.Floats(channels);
        float[] inverses = random.Floats(channels, 40, 90), zeros = random.Integers(channels, 90, 160);
        _quantizers =
        [
            .. inverses, .. zeros.Select(zero => -zero), .. zeros.Select(zero => 255 - zero),
            .. random.Floats(channels, 1e-5f, 1e-4f),
        ];
        _inverses = random.Floats(tokens, 20, 60);
        _zeros = random.Integers(tokens, 20, 90);
        _factors = random.Floats(channels, 0.5f, 2);
        float[] lows = random.Integers(channels, -255, 1);
        _scanQuantizers = [.. random.Floats(channels, 20, 60), .. lows, .. lows.Select(low => low + 255)];
        Expected = Compute();
    }

    /// <summary>The outputs without padding.</summary>
    public double[] Expected { get; }

    /// <summary>Runs the kernel, perhaps changed, and returns outputs and the levels of the last layer.</summary>
    public (float[] Values, byte[] Levels) Run(Func<PtxKernel, PtxKernel>? change = null)
    {
        using var device = new EmulatedDevice(PtxTarget.Sm80, _shape.QuantizesInput ? null : 9);
        GpuKernelRow<DepthwiseShape> row = DepthwiseKernels.Table.Best(device, _shape, _images);
        PtxKernel kernel = row.Emit(_shape, PtxTarget.Sm80);
        using GpuFunction function = device.Load(change is null ? kernel : change(kernel));
        int rows = _images * _shape.Height * _shape.Width;
        GpuBuffer output = device.Allocate(rows * _shape.OutputStride * _shape.OutputBytes);
        GpuBuffer[] levels = [.. _shape.Levels.Select(_ => device.Allocate(rows * _shape.LevelStride))];
        var parameters = new LevelOperands(
            device.Upload<float>(_inverses), device.Upload<float>(_zeros), device.Upload<float>(_factors));
        var operands = new DepthwiseOperands
        {
            Images = _images,
            Input = KernelRun.Upload(device, _x, _shape.ReadsHalves),
            Weights = device.Upload<float>(_weights),
            Output = output,
            Biases = device.Upload<float>(_biases),
            InputQuantizers = device.Upload<float>(_quantizers),
            ScanQuantizers = device.Upload<float>(_scanQuantizers),
            Levels = [.. levels.Select(target => (target, parameters))],
        };
        using GpuGraph graph = device.Record([operands.Launch(function, row, _shape)]);
        graph.Run();
        var values = new float[rows * _shape.Channels];
        var written = new byte[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            (int token, int channel) = Math.DivRem(i, _shape.Channels);
            int place = (token * _shape.OutputStride) + channel;
            values[i] = _shape.WritesScanLevels
                ? ((EmulatedBuffer)output).Peek(place, 1)[0]
                : KernelRun.Peek(output, place, _shape.WritesHalves);
            if (levels.Length > 0)
                written[i] = ((EmulatedBuffer)levels[^1]).Peek((token * _shape.LevelStride) + channel, 1)[0];
        }
        return (values, written);
    }

    /// <summary>The level of an output, of the last layer.</summary>
    public double Level(int index, double value)
    {
        (int token, int channel) = Math.DivRem(index, _shape.Channels);
        token %= _shape.Height * _shape.Width;
        double factor = _shape.Levels[^1].HasFactors ? _factors[channel] : 1;
        return Math.Clamp(
            Math.Round(value * factor * _inverses[token]) + _zeros[token], 0, _shape.Levels[^1].MaxLevel);
    }

    /// <summary>The level of an output that a scan reads, from 0 on.</summary>
    public double ScanLevel(int index, double value)
    {
        int channels = _shape.Channels, channel = index % channels;
        float low = _scanQuantizers[channels + channel], high = _scanQuantizers[(2 * channels) + channel];
        return Math.Clamp(MathF.Round((float)value * _scanQuantizers[channel]), low, high) - low;
    }

    private double[] Compute()
    {
        var layer = new DepthwiseConv2d(_shape.Channels, _shape.Height, _shape.Width, _shape.Side, _shape.HasBias);
        int channels = _shape.Channels, tokens = _shape.Height * _shape.Width;
        var y = new double[_images * tokens * channels];
        for (int i = 0; i < y.Length; i++)
        {
            (int row, int channel) = Math.DivRem(i, channels);
            double sum = 0, bias = _shape.HasBias ? _biases[channel] : 0;
            for (int tap = 0; tap < _shape.Side * _shape.Side; tap++)
            {
                if (layer.Source(row % tokens, tap) is not { } source)
                    continue;
                float x = _x[((row / tokens * tokens) + source) * _shape.InputStride + channel];
                sum += (double)_weights[(tap * channels) + channel] * (_shape.QuantizesInput ? Center(x, channel) : x);
            }
            if (_shape.QuantizesInput)
            {
                float scaled = (float)sum * _quantizers[(3 * channels) + channel];
                sum = _shape.HasBias ? scaled + (float)bias : scaled;
            }
            else
            {
                sum += bias;
            }
            y[i] = _shape.HasSilu ? sum / (1 + Math.Exp(-sum)) : sum;
        }
        return y;
    }

    private float Center(float x, int channel) => Math.Clamp(
        MathF.Round(x * _quantizers[channel]), _quantizers[_shape.Channels + channel],
        _quantizers[(2 * _shape.Channels) + channel]);
}
