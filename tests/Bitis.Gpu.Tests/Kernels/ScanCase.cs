using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Emulation.Memory;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Scans;
using Bitis.Gpu.Ptx;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;

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
    private readonly sbyte[] _levelWeights;
    private readonly float[] _weightScales;
    private readonly float[] _deltaScales;
    private readonly int[] _deltaZeros;
    private readonly float[] _deltaFactors;

    public ScanCase(ScanShape shape, int images, float? bias = null)
    {
        (_shape, _images) = (shape, images);
        var random = new Random(1);
        float[] Values(int count, float low, float high) =>
            [.. Enumerable.Range(0, count).Select(_ => low + (random.NextSingle() * (high - low)))];
        int rows = images * shape.Tokens, e = shape.Channels;
        _u = [Values(rows * shape.InputStride, -1, 1), Values(rows * shape.InputStride, -1, 1)];
        _parameters = [Values(rows * shape.ParameterStride, -1, 1), Values(rows * shape.ParameterStride, -1, 1)];
        _weights = bias is null ? Values(2 * e * shape.Rank, -1, 1) : new float[2 * e * shape.Rank];
        _biases = bias is { } b ? [.. Enumerable.Repeat(b, 2 * e)] : Values(2 * e, -5, 1);
        _rates = Values(2 * e * shape.States, -16, -1);
        _skips = bias is null ? Values(2 * e, -1, 1) : new float[2 * e];
        _gate = Values(rows * shape.GateStride, -3, 3);
        if (shape.AreHalves)
        {
            _u = [.. _u.Select(u => Array.ConvertAll(u, value => (float)(Half)value))];
            _gate = Array.ConvertAll(_gate, value => (float)(Half)value);
        }
        InverseScales = Values(shape.Tokens, 10, 40);
        ZeroPoints = [.. Values(shape.Tokens, 90, 150).Select(zero => MathF.Round(zero))];
        _levelWeights = new sbyte[2 * e * shape.DeltaBytes];
        for (int i = 0; i < _levelWeights.Length; i++)
            _levelWeights[i] = (sbyte)(i % shape.DeltaBytes < shape.Rank ? random.Next(-128, 128) : 0);
        _weightScales = Values(2 * e, 0.002f, 0.01f);
        _deltaScales = Values(2 * shape.Tokens, 0.005f, 0.01f);
        _deltaZeros = [.. Values(2 * shape.Tokens, 90, 150).Select(zero => (int)zero)];
        _deltaFactors = Values(2 * shape.Rank, 0.5f, 2);
        Factors = Values(e, 0.5f, 2);
        if (bias is not null)
            Array.Clear(_u[1]); // The forward direction alone says what Δ is.
    }

    /// <summary>Where the kernel runs.</summary>
    public EmulatedDevice Device { get; } = new(PtxTarget.Sm80, seed: 5);

    public float[] InverseScales { get; }

    public float[] ZeroPoints { get; }

    /// <summary>What channels are multiplied by before they become levels.</summary>
    public float[] Factors { get; }

    public double[] Run(GpuKernelRow<ScanShape> row, PtxKernel? kernel = null)
    {
        EmulatedDevice device = Device;
        using GpuFunction function = device.Load(kernel ?? row.Emit(_shape, PtxTarget.Sm80));
        int bytes = _shape.OutputLevels is not null ? 1 : _shape.ElementBytes;
        GpuBuffer output = device.Allocate((long)_images * _shape.Tokens * _shape.OutputStride * bytes);
        var operands = new ScanOperands
        {
            Images = _images,
            Input = KernelRun.Upload(device, [.. _u[0], .. _u[1]], _shape.AreHalves),
            InputOffset = _u[0].Length,
            Parameters = device.Upload<float>([.. _parameters[0], .. _parameters[1]]),
            ParameterOffset = _parameters[0].Length,
            DeltaWeights = _shape.DeltaLevels is null
                ? device.Upload<float>(_weights)
                : device.Upload<sbyte>(_levelWeights),
            DeltaLevels = new LevelDeltaOperands(
                device.Upload<float>(_weightScales),
                device.Upload<int>([.. _levelWeights.Chunk(_shape.DeltaBytes).Select(row => row.Sum(level => level))]),
                device.Upload<float>(_deltaScales), device.Upload<float>([.. _deltaScales.Select(scale => 1 / scale)]),
                device.Upload<int>(_deltaZeros), device.Upload<float>(_deltaFactors)),
            DeltaBiases = device.Upload<float>(_biases),
            States = [device.Upload<float>(_rates), device.Upload<float>(_skips)],
            Gate = KernelRun.Upload(device, _gate, _shape.AreHalves),
            Output = output,
            OutputLevels = new LevelOperands(
                device.Upload<float>(InverseScales), device.Upload<float>(ZeroPoints), device.Upload<float>(Factors)),
        };
        using GpuGraph graph = device.Record([operands.Launch(function, row, _shape)]);
        graph.Run();
        var results = new double[_images * _shape.Tokens * _shape.Channels];
        for (int i = 0; i < results.Length; i++)
        {
            (int token, int channel) = Math.DivRem(i, _shape.Channels);
            int place = (token * _shape.OutputStride) + channel;
            results[i] = _shape.OutputLevels is not null
                ? ((EmulatedBuffer)output).Peek(place, 1)[0]
                : KernelRun.Peek(output, place, _shape.AreHalves);
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
        double u = _u[direction][(token * _shape.InputStride) + channel], y = _skips[row] * u;
        double x = Delta(direction, row, token, _parameters[direction].AsSpan(start, _shape.Rank));
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

    /// <summary>Δ before the softplus.</summary>
    private double Delta(int direction, int row, int token, ReadOnlySpan<float> inputs)
    {
        if (_shape.DeltaLevels is not { } levels)
        {
            double x = _biases[row];
            for (int r = 0; r < inputs.Length; r++)
                x += (double)_weights[(row * inputs.Length) + r] * inputs[r];
            return x;
        }
        int group = (direction * _shape.Tokens) + (token % _shape.Tokens), sum = 0;
        UniformQuantizer quantizer = UniformQuantizer.Asymmetric(
            8, Granularity.PerTensor, [_deltaScales[group]], [_deltaZeros[group]]);
        for (int r = 0; r < inputs.Length; r++)
        {
            float factor = levels.HasFactors ? _deltaFactors[(direction * inputs.Length) + r] : 1;
            int level = Math.Min(levels.MaxLevel, quantizer.Quantize(inputs[r] * factor, 0));
            sum += (level - _deltaZeros[group]) * _levelWeights[(row * _shape.DeltaBytes) + r];
        }
        return (sum * (_deltaScales[group] * _weightScales[row])) + _biases[row];
    }
}
