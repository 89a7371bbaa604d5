using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Emulation.Memory;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Scans;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Tests.Kernels;

/// <summary>Random operands of a block's scans, and their definition.</summary>
internal sealed class ScanCase
{
    private readonly ScanShape _shape;
    private readonly int _images;
    private readonly float[][] _u;
    private readonly float[][] _parameters;
    private readonly float[] _weights;
    private readonly float[] _biases;
    private readonly float[] _rates;
    private readonly float[] _skips;
    private readonly float[] _gate;

    public ScanCase(ScanShape shape, int images, float? bias = null)
    {
        (_shape, _images) = (shape, images);
        var random = new Random(1);
        float[] Values(int count, float low, float high) =>
            [.. Enumerable.Range(0, count).Select(_ => low + (random.NextSingle() * (high - low)))];
        int rows = images * shape.Tokens, e = shape.Channels;
        _u = [Values(rows * e, -1, 1), Values(rows * e, -1, 1)];
        _parameters = [Values(rows * shape.ParameterStride, -1, 1), Values(rows * shape.ParameterStride, -1, 1)];
        _weights = bias is null ? Values(2 * e * shape.Rank, -1, 1) : new float[2 * e * shape.Rank];
        _biases = bias is { } b ? [.. Enumerable.Repeat(b, 2 * e)] : Values(2 * e, -5, 1);
        _rates = Values(2 * e * shape.States, -16, -1);
        _skips = bias is null ? Values(2 * e, -1, 1) : new float[2 * e];
        _gate = Values(rows * shape.GateStride, -3, 3);
        InverseScales = Values(shape.Tokens, 10, 40);
        ZeroPoints = [.. Values(shape.Tokens, 90, 150).Select(zero => MathF.Round(zero))];
        if (bias is not null)
            Array.Clear(_u[1]); // The forward direction alone says what Δ is.
    }

    public float[] InverseScales { get; }

    public float[] ZeroPoints { get; }

    public double[] Run(GpuKernelRow<ScanShape> row, PtxKernel? kernel = null)
    {
        using var device = new EmulatedDevice(PtxTarget.Sm80, seed: 5);
        using GpuFunction function = device.Load(kernel ?? row.Emit(_shape, PtxTarget.Sm80));
        int bytes = _shape.WritesLevels ? 1 : sizeof(float);
        GpuBuffer output = device.Allocate((long)_images * _shape.Tokens * _shape.OutputStride * bytes);
        var operands = new ScanOperands
        {
            Images = _images,
            Forward = device.Upload<float>(_u[0]),
            Backward = device.Upload<float>(_u[1]),
            ForwardParameters = device.Upload<float>(_parameters[0]),
            BackwardParameters = device.Upload<float>(_parameters[1]),
            DeltaWeights = device.Upload<float>(_weights),
            DeltaBiases = device.Upload<float>(_biases),
            Rates = device.Upload<float>(_rates),
            Skips = device.Upload<float>(_skips),
            Gate = device.Upload<float>(_gate),
            Output = output,
            InverseScales = device.Upload<float>(InverseScales),
            ZeroPoints = device.Upload<float>(ZeroPoints),
        };
        using GpuGraph graph = device.Record([operands.Launch(function, row, _shape)]);
        graph.Run();
        var results = new double[_images * _shape.Tokens * _shape.Channels];
        for (int i = 0; i < results.Length; i++)
        {
            (int token, int channel) = Math.DivRem(i, _shape.Channels);
            ReadOnlySpan<byte> value = ((EmulatedBuffer)output).Peek(
                ((token * _shape.OutputStride) + channel) * bytes, bytes);
            results[i] = _shape.WritesLevels ? value[0] : BitConverter.ToSingle(value);
        }
        return results;
    }

    public double[] Expected()
    {
        var y = new double[_images * _shape.Tokens * _shape.Channels];
        for (int i = 0; i < 2 * _images * _shape.Channels; i++)
        {
            int direction = i % 2, channel = i / 2 % _shape.Channels, image = i / 2 / _shape.Channels;
            var h = new double[_shape.States];
            for (int step = 0; step < _shape.Tokens; step++)
            {
                int token = (image * _shape.Tokens) + (direction == 0 ? step : _shape.Tokens - 1 - step);
                y[(token * _shape.Channels) + channel] += Step(direction, channel, token, h);
            }
        }
        for (int i = 0; i < y.Length; i++)
        {
            (int token, int channel) = Math.DivRem(i, _shape.Channels);
            double z = _gate[(token * _shape.GateStride) + channel];
            y[i] *= _shape.OutputScale * z / (1 + Math.Exp(-z));
        }
        return y;
    }

    private double Step(int direction, int channel, int token, double[] h)
    {
        int row = (direction * _shape.Channels) + channel, start = token * _shape.ParameterStride;
        double x = _biases[row], u = _u[direction][(token * _shape.Channels) + channel], y = _skips[row] * u;
        for (int r = 0; r < _shape.Rank; r++)
            x += (double)_weights[(row * _shape.Rank) + r] * _parameters[direction][start + r];
        double delta = Math.Max(x, 0) + double.LogP1(Math.Exp(-Math.Abs(x)));
        for (int n = 0; n < h.Length; n++)
        {
            double b = _parameters[direction][start + _shape.Rank + n];
            double c = _parameters[direction][start + _shape.Rank + h.Length + n];
            h[n] = (Math.Pow(2, delta * _rates[(row * h.Length) + n]) * h[n]) + (delta * u * b);
            y += h[n] * c;
        }
        return y;
    }
}
