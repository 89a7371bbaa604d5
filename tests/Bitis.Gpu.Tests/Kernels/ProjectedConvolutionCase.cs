using System.Runtime.InteropServices;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Emulation.Memory;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Convolutions;
using Bitis.Gpu.Kernels.Products;
using Bitis.Gpu.Ptx;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Rounding;

namespace Bitis.Gpu.Tests.Kernels;

/// <summary>Random convolutions with projections, u of the convolutions alone, and the CPU's products of it.</summary>
internal sealed class ProjectedConvolutionCase
{
    private const int MaxLevel = 251;

    private readonly RandomValues _random = new(seed: 6);
    private readonly int _images;
    private readonly ConvolutionShape _convolution;
    private readonly LinearShape _projection;
    private readonly float[] _x;
    private readonly float[] _taps;
    private readonly float[] _biases;
    private readonly float[] _inputQuantizers;
    private readonly float[] _scanQuantizers;
    private readonly float[] _inverses;
    private readonly float[] _zeros;
    private readonly float[] _factors;
    private readonly float[] _scales;
    private readonly float[] _weights;
    private readonly float[] _weightScales;

    /// <param name="form">What is read and written; see <see cref="Forms"/>.</param>
    /// <param name="images">The images.</param>
    /// <param name="tokens">The tokens of an image.</param>
    /// <param name="channels">The channels.</param>
    /// <param name="taps">The taps.</param>
    /// <param name="outputs">The outputs of a projection.</param>
    public ProjectedConvolutionCase(string form, int images, int tokens, int channels, int taps, int outputs)
    {
        bool isOfLevels = form == "levels of levels", areLevels = form != "halves", hasNibbles = form == "nibbles";
        _images = images;
        _convolution = new ConvolutionShape(tokens, channels, taps)
        {
            InputStride = isOfLevels ? LinearShape.RowBytes(channels) : (2 * channels) + 4,
            AreHalves = form.StartsWith("halves", StringComparison.Ordinal),
            QuantizesInput = form == "integers" || isOfLevels,
            ReadsLevels = isOfLevels,
            WritesScanLevels = isOfLevels,
            Levels = areLevels ? new LevelShape(MaxLevel, HasFactors: form == "halves to levels") : null,
        };
        LinearNumbers numbers = areLevels ? LinearNumbers.Levels : LinearNumbers.Halves;
        _projection = new LinearShape(channels, outputs, numbers, LinearOutput.Floats, HasBias: false)
        {
            OutputStride = outputs + 3,
            Groups = 2,
            HasNibbles = hasNibbles,
        };
        Shape = new ProjectedConvolutionShape(_convolution, _projection);
        int values = images * tokens * _convolution.InputStride;
        _x = isOfLevels ? _random.Integers(values, 0, 256) : _random.Floats(values, -2, 2, _convolution.AreHalves);
        _taps = _convolution.QuantizesInput
            ? _random.Integers(2 * taps * channels, -127, 128)
            : _random.Floats(2 * taps * channels);
        _biases = _random.Floats(2 * channels);
        float[] levels = [.. _random.Floats(channels, 20, 60), .. _random.Integers(channels, -160, -90)];
        levels = [.. levels, .. levels[channels..].Select(low => low + 255)];
        _inputQuantizers =
        [
            .. levels, .. _random.Floats(channels, 1e-5f, 1e-4f), .. levels, .. _random.Floats(channels, 1e-5f, 1e-4f),
        ];
        _scanQuantizers = [.. levels, .. levels];
        _inverses = _random.Floats(2 * tokens, 20, 60);
        _zeros = _random.Integers(2 * tokens, 20, 90);
        _factors = _random.Floats(2 * channels, 0.5f, 2);
        _scales = _random.Floats(2 * tokens, 0.01f, 0.05f);
        int end = hasNibbles ? 8 : 128;
        _weights = areLevels
            ? _random.Integers(2 * outputs * channels, -end, end)
            : _random.Floats(2 * outputs * channels, -1, 1, areHalves: true);
        _weightScales = _random.Floats(2 * outputs, 0.001f, 0.01f);
        (ExpectedU, Expected) = Compute();
    }

    /// <summary>All ways that plans use.</summary>
    public static string[] Forms { get; } =
        ["halves", "halves to levels", "floats to levels", "integers", "levels of levels", "nibbles"];

    /// <summary>Where the kernel runs.</summary>
    public EmulatedDevice Device { get; } = KernelRun.Device();

    public ProjectedConvolutionShape Shape { get; }

    /// <summary>The bytes of u of both directions, without padding.</summary>
    public byte[] ExpectedU { get; }

    /// <summary>The outputs of both projections.</summary>
    public float[] Expected { get; }

    private int Rows => _images * _convolution.Tokens;

    /// <summary>Runs a kernel, perhaps changed.</summary>
    public (byte[] U, float[] Outputs) Run(
        GpuKernelRow<ProjectedConvolutionShape> row, Func<PtxKernel, PtxKernel>? change = null)
    {
        PtxKernel kernel = row.Emit(Shape, PtxTarget.Sm80);
        Assert.Equal(row.SharedBytes(Shape), kernel.SharedBytes);
        using GpuFunction function = Device.Load(change is null ? kernel : change(kernel));
        int offsetOfU = Rows * _convolution.OutputStride, offset = Rows * _projection.OutputStride;
        GpuBuffer u = Device.Allocate(2 * offsetOfU * _convolution.OutputBytes);
        GpuBuffer outputs = Device.Allocate(2 * offset * sizeof(float));
        bool areLevels = _convolution.Levels is not null;
        var operands = new ProjectedConvolutionOperands
        {
            Images = _images,
            Input = UploadInput(),
            Weights = Device.Upload<float>(_taps),
            Biases = Device.Upload<float>(_biases),
            Output = u,
            OutputOffset = offsetOfU,
            InputQuantizers = Device.Upload<float>(_inputQuantizers),
            ScanQuantizers = Device.Upload<float>(_scanQuantizers),
            Levels = LevelParameters(),
            ProjectionWeights = UploadWeights(),
            Parameters = outputs,
            ParameterOffset = offset,
            LevelScales = Device.Upload<float>(_scales),
            LevelZeroPoints = Device.Upload<int>(Array.ConvertAll(_zeros, zero => (int)zero)),
            WeightScales = Device.Upload<float>(_weightScales),
            ColumnSums = areLevels
                ? Device.Upload<int>([.. _weights.Chunk(_projection.Inputs).Select(r => (int)r.Sum())])
                : null,
        };
        using GpuGraph graph = Device.Record([operands.Launch(function, row, Shape)]);
        graph.Run();
        var results = new float[2 * Rows * _projection.Outputs];
        for (int i = 0; i < results.Length; i++)
        {
            (int line, int column) = Math.DivRem(i, _projection.Outputs);
            results[i] = KernelRun.Peek(outputs, (line * _projection.OutputStride) + column, isHalf: false);
        }
        return (Bytes(u, 0, 2 * Rows, _convolution.OutputStride, _convolution.OutputBytes), results);
    }

    private (byte[] U, float[] Outputs) Compute()
    {
        using EmulatedDevice device = KernelRun.Device();
        GpuKernelRow<ConvolutionShape> row = ConvolutionKernels.Table.Best(device, _convolution, _images);
        using GpuFunction function = device.Load(row.Emit(_convolution, PtxTarget.Sm80));
        int bytes = Rows * _convolution.OutputStride * _convolution.OutputBytes, channels = _convolution.Channels;
        GpuBuffer[] u = [device.Allocate(bytes), device.Allocate(bytes)];
        int levelBytes = Rows * _convolution.LevelStride;
        GpuBuffer[] levels = [device.Allocate(levelBytes), device.Allocate(levelBytes)];
        var operands = new ConvolutionOperands
        {
            Images = _images,
            Input = UploadInput(device),
            Weights = device.Upload<float>(_taps),
            Biases = device.Upload<float>(_biases),
            Forward = u[0],
            Backward = u[1],
            InputQuantizers = device.Upload<float>(_inputQuantizers),
            ScanQuantizers = device.Upload<float>(_scanQuantizers),
            ForwardLevels = levels[0],
            BackwardLevels = levels[1],
            Levels = LevelParameters(device),
        };
        using GpuGraph graph = device.Record([operands.Launch(function, row, _convolution)]);
        graph.Run();
        byte[][] outputs = [.. u.Select(
            of => Bytes(of, 0, Rows, _convolution.OutputStride, _convolution.OutputBytes))];
        float[][] products = [.. Enumerable.Range(0, 2).Select(direction => _convolution.Levels is null
            ? MultiplyHalves(direction, MemoryMarshal.Cast<byte, Half>(outputs[direction]))
            : MultiplyLevels(direction, Bytes(levels[direction], 0, Rows, _convolution.LevelStride, 1)))];
        return ([.. outputs[0], .. outputs[1]], [.. products[0], .. products[1]]);
    }

    private float[] MultiplyHalves(int direction, ReadOnlySpan<Half> u)
    {
        int channels = _projection.Inputs, outputs = _projection.Outputs;
        var y = new float[Rows * outputs];
        for (int i = 0; i < y.Length; i++)
        {
            (int row, int column) = Math.DivRem(i, outputs);
            double sum = 0;
            for (int k = 0; k < channels; k++)
                sum += (double)u[(row * channels) + k] * _weights[(((direction * outputs) + column) * channels) + k];
            y[i] = (float)sum;
        }
        return y;
    }

    private unsafe float[] MultiplyLevels(int direction, byte[] levels)
    {
        int channels = _projection.Inputs, outputs = _projection.Outputs, tokens = _convolution.Tokens;
        sbyte[] weights = Array.ConvertAll(
            _weights[(direction * outputs * channels)..((direction + 1) * outputs * channels)], w => (sbyte)w);
        using var packed = new PackedIntegerWeights(
            weights, _weightScales.AsSpan(direction * outputs, outputs), default, outputs, channels);
        int stride = (channels + 3) / 4 * 4;
        var padded = new byte[Rows * stride];
        for (int row = 0; row < Rows; row++)
            levels.AsSpan(row * channels, channels).CopyTo(padded.AsSpan(row * stride));
        float[] rowScales = [.. Enumerable.Range(0, Rows).Select(
            row => _scales[(direction * tokens) + (row % tokens)])];
        int[] rowZeros = [.. Enumerable.Range(0, Rows).Select(
            row => (int)_zeros[(direction * tokens) + (row % tokens)])];
        var y = new float[Rows * outputs];
        fixed (byte* a = padded)
        fixed (float* scales = rowScales, c = y)
        fixed (int* zeros = rowZeros)
        {
            var parameters = new TokenParameters(scales, zeros, 1);
            Int8Gemm.Run(packed, a, stride, in parameters, c, outputs, 0, Rows, accumulate: false);
        }
        return y;
    }

    private GpuBuffer UploadInput(EmulatedDevice? device = null) => _convolution.ReadsLevels
        ? (device ?? Device).Upload<byte>(Array.ConvertAll(_x, x => (byte)x))
        : KernelRun.Upload(device ?? Device, _x, _convolution.AreHalves);

    private LevelOperands LevelParameters(EmulatedDevice? device = null) => new(
        (device ?? Device).Upload<float>(_inverses), (device ?? Device).Upload<float>(_zeros),
        (device ?? Device).Upload<float>(_factors));

    private GpuBuffer UploadWeights()
    {
        int inputs = _projection.Inputs, rows = 2 * _projection.Outputs, stride = _projection.WeightStride;
        if (_projection.HasNibbles)
            return Device.Upload<byte>(PackedNibbles.Pack(Array.ConvertAll(_weights, w => (sbyte)w), rows, inputs));
        var bytes = new byte[rows * stride];
        for (int i = 0; i < rows * inputs; i++)
        {
            Span<byte> row = bytes.AsSpan(i / inputs * stride);
            if (_projection.Numbers == LinearNumbers.Levels)
                row[i % inputs] = (byte)(sbyte)_weights[i];
            else
                BitConverter.TryWriteBytes(row[(i % inputs * sizeof(ushort))..], (Half)_weights[i]);
        }
        return Device.Upload<byte>(bytes);
    }

    /// <summary>Rows without padding, which stays unwritten.</summary>
    private byte[] Bytes(GpuBuffer buffer, int first, int rows, int stride, int elementBytes) =>
        [.. Enumerable.Range(first, rows).SelectMany(row => ((EmulatedBuffer)buffer).Peek(
            row * stride * elementBytes, _convolution.Channels * elementBytes).ToArray())];
}
