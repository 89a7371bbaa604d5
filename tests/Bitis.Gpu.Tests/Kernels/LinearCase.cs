using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Emulation.Memory;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Products;
using Bitis.Gpu.Ptx;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Rounding;

namespace Bitis.Gpu.Tests.Kernels;

/// <summary>Random operands of a linear layer, and what the CPU's kernels make of them.</summary>
internal sealed class LinearCase
{
    private readonly LinearShape _shape;
    private readonly int _rows;
    private readonly Random _random = new(1);
    private readonly byte[] _levels;
    private readonly sbyte[] _weights;
    private readonly float[] _floats;
    private readonly float[] _floatWeights;
    private readonly float[] _bias;
    private readonly float[] _inputScales;
    private readonly int[] _inputZeros;
    private readonly float[] _weightScales;
    private readonly float[] _outputInverses;
    private readonly float[] _outputZeros;
    private readonly float[] _outputFactors;
    private readonly float[] _columnQuantizers;

    public LinearCase(LinearShape shape, int rows)
    {
        (_shape, _rows) = (shape, rows);
        int lines = shape.Groups * rows, outputs = shape.Groups * shape.Outputs;
        _levels = new byte[lines * shape.Inputs];
        _random.NextBytes(_levels);
        int end = shape.HasNibbles ? 8 : 128;
        _weights = [.. Enumerable.Range(0, outputs * shape.Inputs).Select(_ => (sbyte)_random.Next(-end, end))];
        _floats = Floats(lines * shape.Inputs, -1, 1);
        _floatWeights = Floats(outputs * shape.Inputs, -1, 1);
        if (shape.Numbers == LinearNumbers.Halves)
        {
            _floats = Array.ConvertAll(_floats, x => (float)(Half)x);
            _floatWeights = Array.ConvertAll(_floatWeights, x => (float)(Half)x);
        }
        _bias = Floats(outputs, -1, 1);
        _inputScales = Floats(lines, 0.001f, 0.02f);
        _inputZeros = [.. Enumerable.Range(0, lines).Select(_ => _random.Next(256))];
        _weightScales = Floats(outputs, 0.001f, 0.01f);
        _outputInverses = Floats(lines, 5, 20);
        _outputZeros = [.. Enumerable.Range(0, lines).Select(_ => (float)_random.Next(256))];
        _outputFactors = Floats(outputs, 0.5f, 2);
        int columns = shape.Split?.Columns ?? 0;
        float[] lows = [.. Enumerable.Range(0, columns).Select(_ => (float)-_random.Next(256))];
        _columnQuantizers = [.. Floats(columns, 5, 20), .. lows, .. lows.Select(low => low + 255)];
        Expected = Compute();
    }

    /// <summary>Where the kernel runs.</summary>
    public EmulatedDevice Device { get; } = new(PtxTarget.Sm80);

    /// <summary>The outputs of the CPU, layer after layer.</summary>
    public float[] Expected { get; }

    /// <summary>Runs a kernel, and returns its outputs without padding.</summary>
    public float[] Run(GpuKernelRow<LinearShape> row, PtxKernel? kernel = null)
    {
        using GpuFunction function = Device.Load(kernel ?? row.Emit(_shape, PtxTarget.Sm80));
        int stride = _shape.OutputStride, groups = _shape.Groups;
        GpuBuffer output = Device.Allocate((long)groups * RowsBetween * stride * _shape.OutputBytes);
        int restStride = _shape.Split?.RestStride ?? 1, restBytes = _shape.Split?.RestBytes ?? 1;
        GpuBuffer rest = Device.Allocate((long)_rows * restStride * restBytes);
        int[] columnSums = [.. Enumerable.Range(0, groups * _shape.Outputs).Select(
            n => _weights.AsSpan(n * _shape.Inputs, _shape.Inputs).ToArray().Sum(w => w))];
        var operands = new LinearOperands
        {
            Input = Rows(_levels, _floats, groups * _rows, isWeights: false),
            Weights = _shape.HasNibbles
                ? Device.Upload<byte>(PackedNibbles.Pack(_weights, groups * _shape.Outputs, _shape.Inputs))
                : Rows(
                    Array.ConvertAll(_weights, w => (byte)w), _floatWeights, groups * _shape.Outputs,
                    isWeights: true),
            Output = output,
            Rows = _rows,
            Bias = Device.Upload<float>(_bias),
            InputScales = Device.Upload<float>(Spread(_inputScales)),
            InputZeroPoints = Device.Upload<int>(Spread(_inputZeros)),
            WeightScales = Device.Upload<float>(_weightScales),
            ColumnSums = Device.Upload<int>(columnSums),
            OutputLevels = new LevelOperands(
                Device.Upload<float>(_outputInverses), Device.Upload<float>(_outputZeros),
                Device.Upload<float>(_outputFactors)),
            Rest = rest,
            ColumnQuantizers = Device.Upload<float>(_columnQuantizers),
            Offsets = new LinearGroupOffsets(RowsBetween * _shape.InputStride, RowsBetween * stride, RowsBetween),
        };
        using GpuGraph graph = Device.Record([operands.Launch(function, row, _shape)]);
        graph.Run();
        return Read(output, rest);
    }

    /// <summary>The rows from one layer of a launch to the next: some more than there are.</summary>
    private int RowsBetween => _shape.Groups == 1 ? _rows : _rows + 3;

    private int LineOf(int line) => (line / _rows * RowsBetween) + (line % _rows);

    private T[] Spread<T>(T[] ofRows)
    {
        var all = new T[_shape.Groups * RowsBetween];
        for (int line = 0; line < ofRows.Length; line++)
            all[LineOf(line)] = ofRows[line];
        return all;
    }

    // Value by value, so that padding stays unwritten and the interpreter sees who reads it.
    private float[] Read(GpuBuffer output, GpuBuffer rest)
    {
        var results = new float[_shape.Groups * _rows * _shape.Outputs];
        for (int i = 0; i < results.Length; i++)
        {
            (int row, int column) = Math.DivRem(i, _shape.Outputs);
            int place = (LineOf(row) * _shape.OutputStride) + column;
            results[i] = _shape.Split is { } split && column >= split.Columns
                ? KernelRun.Peek(rest, (row * split.RestStride) + column - split.Columns, split.RestIsHalf)
                : _shape.Output == LinearOutput.Levels
                ? ((EmulatedBuffer)output).Peek(place, 1)[0]
                : KernelRun.Peek(output, place, _shape.Output == LinearOutput.Halves);
        }
        return results;
    }

    private GpuBuffer Rows(byte[] levels, float[] floats, int rows, bool isWeights)
    {
        int stride = isWeights ? _shape.WeightStride : _shape.InputStride, inputs = _shape.Inputs;
        var bytes = new byte[(isWeights ? rows : _shape.Groups * RowsBetween) * stride];
        for (int i = 0; i < rows * inputs; i++)
        {
            int line = isWeights ? i / inputs : LineOf(i / inputs);
            Span<byte> row = bytes.AsSpan(line * stride);
            switch (_shape.Numbers)
            {
                case LinearNumbers.Levels:
                    row[i % inputs] = levels[i];
                    break;
                case LinearNumbers.Halves:
                    BitConverter.TryWriteBytes(row[(i % inputs * 2)..], (Half)floats[i]);
                    break;
                default:
                    BitConverter.TryWriteBytes(row[(i % inputs * 4)..], floats[i]);
                    break;
            }
        }
        return Device.Upload<byte>(bytes);
    }

    private float[] Compute()
    {
        float[] y = _shape.Numbers == LinearNumbers.Levels ? ComputeLevels() : ComputeFloats();
        if (_shape.Activation == LinearActivation.Gelu)
            y = Array.ConvertAll(y, new Gelu().Apply);
        return _shape.Output switch
        {
            LinearOutput.Halves => Array.ConvertAll(y, value => (float)(Half)value),
            LinearOutput.Levels => [.. y.Select(
                (value, i) => _shape.Split is null ? Level(value, i) : LevelOrRest(value, i))],
            _ => y,
        };
    }

    private float Level(float value, int index)
    {
        (int row, int column) = Math.DivRem(index, _shape.Outputs);
        float factor = _shape.Levels!.HasFactors ? _outputFactors[column] : 1;
        float rounded = MathF.Round(value * factor * _outputInverses[row]);
        return Math.Clamp(rounded + _outputZeros[row], 0, _shape.Levels.MaxLevel);
    }

    private float LevelOrRest(float value, int index)
    {
        int column = index % _shape.Outputs, columns = _shape.Split!.Columns;
        if (column >= columns)
            return _shape.Split.RestIsHalf ? (float)(Half)value : value;
        float low = _columnQuantizers[columns + column], high = _columnQuantizers[(2 * columns) + column];
        return Math.Clamp(MathF.Round(value * _columnQuantizers[column]), low, high) - low;
    }

    private float[] ComputeFloats()
    {
        var y = new float[_shape.Groups * _rows * _shape.Outputs];
        for (int i = 0; i < y.Length; i++)
        {
            (int row, int column) = Math.DivRem(i, _shape.Outputs);
            column += row / _rows * _shape.Outputs;
            double sum = _shape.HasBias ? _bias[column] : 0;
            for (int k = 0; k < _shape.Inputs; k++)
                sum += (double)_floats[(row * _shape.Inputs) + k] * _floatWeights[(column * _shape.Inputs) + k];
            y[i] = (float)sum;
        }
        return y;
    }

    private float[] ComputeLevels() => [.. Enumerable.Range(0, _shape.Groups).SelectMany(ComputeLevels)];

    private unsafe float[] ComputeLevels(int group)
    {
        int outputs = _shape.Outputs, inputs = _shape.Inputs, first = group * outputs;
        using var packed = new PackedIntegerWeights(
            _weights.AsSpan(first * inputs, outputs * inputs).ToArray(), _weightScales.AsSpan(first, outputs),
            _shape.HasBias ? _bias.AsSpan(first, outputs) : default, outputs, inputs);
        int stride = (inputs + 3) / 4 * 4;
        var padded = new byte[_rows * stride];
        for (int row = 0; row < _rows; row++)
            _levels.AsSpan(((group * _rows) + row) * inputs, inputs).CopyTo(padded.AsSpan(row * stride));
        var y = new float[_rows * outputs];
        fixed (byte* a = padded)
        fixed (float* scales = &_inputScales[group * _rows], c = y)
        fixed (int* zeros = &_inputZeros[group * _rows])
        {
            var parameters = new TokenParameters(scales, zeros, 1);
            Int8Gemm.Run(packed, a, stride, in parameters, c, outputs, 0, _rows, accumulate: false);
        }
        return y;
    }

    private float[] Floats(int count, float low, float high) =>
        [.. Enumerable.Range(0, count).Select(_ => low + (_random.NextSingle() * (high - low)))];
}
