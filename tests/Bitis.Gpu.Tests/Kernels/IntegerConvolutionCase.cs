using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Emulation.Memory;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Convolutions;
using Bitis.Gpu.Ptx;
using Bitis.Kernels.Simd;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;

namespace Bitis.Gpu.Tests.Kernels;

/// <summary>Random quantized convolutions, and what the CPU's definitions make of them.</summary>
internal sealed class IntegerConvolutionCase
{
    private readonly Random _random = new(5);
    private readonly ConvolutionShape _shape;
    private readonly int _images;
    private readonly float[] _x;
    private readonly float[] _weights;
    private readonly float[] _biases;
    private readonly float[] _sumScales;
    private readonly UniformQuantizer[] _quantizers;

    public IntegerConvolutionCase(int images, int tokens, int channels, int taps)
    {
        _images = images;
        _shape = new ConvolutionShape(tokens, channels, taps) { InputStride = channels + 3, QuantizesInput = true };
        _x = Values(images * tokens * _shape.InputStride, -3, 3);
        (_x[0], _x[1], _x[2]) = (float.NaN, float.PositiveInfinity, float.NegativeInfinity);
        _weights = [.. Values(2 * taps * channels, -127, 127).Select(weight => MathF.Round(weight))];
        _biases = Values(2 * channels, -1, 1);
        _sumScales = Values(2 * channels, 1e-5f, 1e-4f);
        _quantizers = [.. ((int[])[8, 6]).Select(bits => UniformQuantizer.Asymmetric(
            bits, Granularity.PerChannel, Values(channels, 0.005f, 0.03f),
            [.. Enumerable.Range(0, channels).Select(_ => _random.Next(1 << bits))]))];
        Expected = [.. Enumerable.Range(0, 2).SelectMany(Compute)];
    }

    /// <summary>u of the forward direction, then of the backward direction.</summary>
    public float[] Expected { get; }

    /// <summary>Runs the kernel, perhaps changed.</summary>
    public float[] Run(Func<PtxKernel, PtxKernel>? change = null)
    {
        using EmulatedDevice device = KernelRun.Device();
        GpuKernelRow<ConvolutionShape> row = ConvolutionKernels.Table.Best(device, _shape, _images);
        PtxKernel kernel = row.Emit(_shape, PtxTarget.Sm80);
        using GpuFunction function = device.Load(change is null ? kernel : change(kernel));
        int bytes = Expected.Length / 2 * sizeof(float);
        GpuBuffer[] u = [device.Allocate(bytes), device.Allocate(bytes)];
        var operands = new ConvolutionOperands
        {
            Images = _images,
            Input = device.Upload<float>(_x),
            Weights = device.Upload<float>(_weights),
            Biases = device.Upload<float>(_biases),
            Forward = u[0],
            Backward = u[1],
            InputQuantizers = device.Upload<float>([.. Enumerable.Range(0, 2).SelectMany(QuantizerOf)]),
        };
        using GpuGraph graph = device.Record([operands.Launch(function, row, _shape)]);
        graph.Run();
        return [.. u.SelectMany(buffer => Enumerable.Range(0, Expected.Length / 2).Select(
            i => BitConverter.ToSingle(((EmulatedBuffer)buffer).Peek(i * sizeof(float), sizeof(float)))))];
    }

    private IEnumerable<float> QuantizerOf(int direction)
    {
        UniformQuantizer quantizer = _quantizers[direction];
        int[] zeros = quantizer.ZeroPoints.ToArray();
        return
        [
            .. quantizer.InverseScales, .. zeros.Select(zero => (float)-zero),
            .. zeros.Select(zero => (float)(quantizer.MaxLevel - zero)),
            .. _sumScales.AsSpan(direction * _shape.Channels, _shape.Channels),
        ];
    }

    private unsafe float[] Compute(int direction)
    {
        int tokens = _shape.Tokens, channels = _shape.Channels, taps = _shape.Taps;
        var levels = new float[_images * tokens * channels];
        for (int row = 0; row < _images * tokens; row++)
        {
            _quantizers[direction].CenteredLevels(
                _x.AsSpan(row * _shape.InputStride, channels), token: 0, levels.AsSpan(row * channels, channels));
        }
        var exp = new ExpPolynomial<Lane1>(PolynomialCoefficients.Exp);
        var u = new float[levels.Length];
        for (int i = 0; i < u.Length; i++)
        {
            (int row, int channel) = Math.DivRem(i, channels);
            long sum = 0;
            for (int k = 0; k < taps; k++)
            {
                int offset = direction == 0 ? k - (taps - 1) : taps - 1 - k, token = (row % tokens) + offset;
                if (token >= 0 && token < tokens)
                {
                    sum += (long)_weights[(((direction * taps) + k) * channels) + channel]
                        * (long)levels[i + (offset * channels)];
                }
            }
            int ofChannel = (direction * channels) + channel;
            float product = sum * _sumScales[ofChannel], value = product + _biases[ofChannel];
            Lane1.Store(VectorMath.Silu(Lane1.Create(value), in exp), &value);
            u[i] = value;
        }
        return u;
    }

    private float[] Values(int count, float low, float high) =>
        [.. Enumerable.Range(0, count).Select(_ => low + (_random.NextSingle() * (high - low)))];
}
