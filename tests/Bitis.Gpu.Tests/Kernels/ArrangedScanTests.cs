using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Emulation.Memory;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Scans;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Tests.Kernels;

/// <summary>Scans in any orders, against their definition in float64.</summary>
public sealed class ArrangedScanTests
{
    public static TheoryData<string, int, int, int, int, bool> Shapes()
    {
        var data = new TheoryData<string, int, int, int, int, bool>();
        foreach (GpuKernelRow<ScanShape> row in ScanKernels.Table.Rows)
        {
            data.Add(row.Name, 4, 25, 20, 70, false);
            data.Add(row.Name, 1, 9, 9, 33, true);
            data.Add(row.Name, 2, 1, 1, 5, false);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Outputs_are_those_of_the_definition(
        string kernel, int directions, int steps, int rows, int channels, bool areHalves)
    {
        GpuKernelRow<ScanShape> row = ScanKernels.Table.Rows.Single(row => row.Name == kernel);
        var data = new ArrangedScanCase(directions, steps, rows, channels, areHalves);
        AssertNear(data, data.Run(row), areHalves);
    }

    [Theory]
    [InlineData("bar.sync 0", "", 1)]
    [InlineData("bar.sync 0", "", 2)]
    [InlineData("cp.async.wait_group 1", "cp.async.wait_group 2", 1)]
    [InlineData("setp.lt.s32", "setp.le.s32", 3)]
    [InlineData("selp.b32", "and.b32", 3)]
    [InlineData("ld.global.nc.b32", "", 1)]
    public void Mutants_are_caught(string text, string replacement, int occurrence)
    {
        GpuKernelRow<ScanShape> row = ScanKernels.Table.Rows[0];
        var data = new ArrangedScanCase(directions: 2, steps: 25, rows: 20, channels: 40, areHalves: false);
        Assert.Throws<EmulationException>(() => AssertDifferent(data, data.Run(row, kernel => kernel with
        {
            Text = Mutation.Replace(kernel.Text, text, replacement, occurrence),
        })));
    }

    private static void AssertNear(ArrangedScanCase data, double[] results, bool areHalves)
    {
        double norm = Math.Sqrt(data.Expected.Average(y => y * y));
        for (int i = 0; i < results.Length; i++)
        {
            double tolerance = (1e-5 * norm) + (areHalves ? Math.Abs(data.Expected[i]) / 2000 : 0);
            Assert.InRange(results[i] - data.Expected[i], -tolerance, tolerance);
        }
    }

    /// <summary>A wrong answer counts as a finding, too.</summary>
    private static void AssertDifferent(ArrangedScanCase data, double[] results)
    {
        if (results.Zip(data.Expected).Any(pair => Math.Abs(pair.First - pair.Second) > 1e-3))
            throw new EmulationException(FindingKind.Race, "the answer is wrong");
    }

    /// <summary>Random operands of scans in four orders at most.</summary>
    private sealed class ArrangedScanCase
    {
        private const int Images = 2, States = 8, Rank = 3;

        private readonly ScanShape _shape;
        private readonly float[] _u;
        private readonly float[] _parameters;
        private readonly float[] _weights;
        private readonly float[] _biases;
        private readonly float[] _rates;
        private readonly float[] _skips;
        private readonly float[] _gate;
        private readonly int[] _rows;
        private readonly int[] _targets;

        public ArrangedScanCase(int directions, int steps, int rows, int channels, bool areHalves)
        {
            var random = new RandomValues(4);
            var shape = new ScanShape(steps, channels, States, Rank);
            _shape = shape with
            {
                Arrangement = new ScanArrangement(directions, rows, rows),
                HasGate = directions != 2,
                AreHalves = areHalves,
                GateStride = channels + 2,
                ParameterRowStride = directions * shape.ParameterStride,
            };
            _u = random.Floats(Images * rows * _shape.InputStride, -1, 1, areHalves);
            _parameters = random.Floats(Images * rows * _shape.ParameterRowStride);
            _weights = random.Floats(directions * channels * Rank);
            _biases = random.Floats(directions * channels, -5, 1);
            _rates = random.Floats(directions * channels * States, -16, -1);
            _skips = random.Floats(directions * channels);
            _gate = random.Floats(Images * rows * _shape.GateStride, -3, 3, areHalves);
            _rows = [.. Enumerable.Range(0, directions).SelectMany(_ => random.Rows(steps, rows))];
            _targets = [.. Enumerable.Range(0, directions).SelectMany(_ => random.Rows(steps, rows))];
            Expected = Compute();
        }

        public double[] Expected { get; }

        public double[] Run(GpuKernelRow<ScanShape> row, Func<PtxKernel, PtxKernel>? change = null)
        {
            using var device = new EmulatedDevice(PtxTarget.Sm80, seed: 5);
            Assert.True(row.Fits(_shape));
            PtxKernel kernel = row.Emit(_shape, PtxTarget.Sm80);
            using GpuFunction function = device.Load(change is null ? kernel : change(kernel));
            int rows = _shape.Arrangement!.OutputRows, stride = _shape.OutputStride;
            GpuBuffer output = device.Allocate(
                (long)_shape.Directions * Images * rows * stride * _shape.ElementBytes);
            var operands = new ScanOperands
            {
                Images = Images,
                Input = KernelRun.Upload(device, _u, _shape.AreHalves),
                InputOffset = 0,
                Parameters = device.Upload<float>(_parameters),
                ParameterOffset = _shape.ParameterStride,
                Rows = device.Upload<int>(_rows),
                Targets = device.Upload<int>(_targets),
                OutputOffset = Images * rows * stride,
                DeltaWeights = device.Upload<float>(_weights),
                DeltaBiases = device.Upload<float>(_biases),
                States = [device.Upload<float>(_rates), device.Upload<float>(_skips)],
                Gate = KernelRun.Upload(device, _gate, _shape.AreHalves),
                Output = output,
            };
            using GpuGraph graph = device.Record([operands.Launch(function, row, _shape)]);
            graph.Run();
            return [.. Enumerable.Range(0, Expected.Length).Select(i => (double)KernelRun.Peek(
                output, (i / _shape.Channels * stride) + (i % _shape.Channels), _shape.AreHalves))];
        }

        private double[] Compute()
        {
            int rows = _shape.Arrangement!.OutputRows, channels = _shape.Channels;
            var y = new double[_shape.Directions * Images * rows * channels];
            for (int i = 0; i < _shape.Directions * Images * channels; i++)
            {
                int direction = i / channels / Images, image = i / channels % Images, channel = i % channels;
                int ofChannel = (direction * channels) + channel;
                var h = new double[States];
                for (int step = 0; step < _shape.Tokens; step++)
                {
                    int source = _rows[(direction * _shape.Tokens) + step];
                    int target = _targets[(direction * _shape.Tokens) + step];
                    double value = Step(direction, ofChannel, (image * rows) + source, source >= 0, channel, h);
                    if (target < 0)
                        continue;
                    int to = (image * rows) + target;
                    double z = _gate[(to * _shape.GateStride) + channel];
                    y[(((direction * Images * rows) + to) * channels) + channel] =
                        _shape.HasGate ? value * z / (1 + Math.Exp(-z)) : value;
                }
            }
            return y;
        }

        private double Step(int direction, int ofChannel, int row, bool isThere, int channel, double[] h)
        {
            double u = isThere ? _u[(row * _shape.InputStride) + channel] : 0, x = _biases[ofChannel];
            int start = (row * _shape.ParameterRowStride) + (direction * _shape.ParameterStride);
            for (int r = 0; r < Rank && isThere; r++)
                x += (double)_parameters[start + r] * _weights[(ofChannel * Rank) + r];
            double delta = Math.Max(x, 0) + double.LogP1(Math.Exp(-Math.Abs(x))), y = _skips[ofChannel] * u;
            for (int n = 0; n < States; n++)
            {
                double b = isThere ? _parameters[start + Rank + n] : 0;
                double c = isThere ? _parameters[start + Rank + States + n] : 0;
                h[n] = (Math.Pow(2, delta * _rates[(ofChannel * States) + n]) * h[n]) + (delta * u * b);
                y += h[n] * c;
            }
            return y;
        }
    }
}
