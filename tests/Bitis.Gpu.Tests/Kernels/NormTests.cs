using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Emulation.Memory;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Norms;
using Bitis.Gpu.Ptx;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;

namespace Bitis.Gpu.Tests.Kernels;

/// <summary>Norms of rows, against their definition in float64.</summary>
public sealed class NormTests
{
    private const float Epsilon = 1e-5f;

    public static TheoryData<int, int, bool, bool> Shapes()
    {
        var data = new TheoryData<int, int, bool, bool>();
        foreach ((int rows, int columns) in ((int, int)[])[(9, 192), (1, 32), (17, 45), (8, 1), (3, 768), (5, 70)])
        {
            foreach (bool isCentered in (bool[])[false, true])
            {
                foreach (bool updates in (bool[])[false, true])
                    data.Add(rows, columns, isCentered, updates);
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Rows_are_normalized(int rows, int columns, bool isCentered, bool updates)
    {
        var random = new Random(1);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 4) - 1.5f)];
        float[] x = [.. Values(rows * columns).Select(value => (float)(Half)value)];
        float[] stream = Values(rows * columns), weight = Values(columns);
        float[] bias = Values(columns), inverseScales = [.. Enumerable.Range(0, rows).Select(i => 20f + i)];
        float[] zeros = [.. Enumerable.Range(0, rows).Select(i => 100f + i)];
        float[] factors = [.. Values(columns).Select(value => value + 2)];
        float[] sums = updates ? [.. x.Zip(stream, (a, b) => a + b)] : x;
        double[] expected = Normalize(sums, weight, bias, columns, isCentered);
        foreach ((bool writesLevels, bool areHalves) in ((bool, bool)[])[(false, false), (true, false), (false, true)])
        {
            int stride = areHalves ? columns + 4 : columns;
            var term = new NormTerm(stride, areHalves);
            var shape = new NormShape(columns, Epsilon, isCentered)
            {
                Terms = updates ? [new(columns), term] : [term],
                WritesSum = updates,
                Levels = writesLevels ? new LevelShape(240, HasFactors: updates) : null,
                WritesHalves = areHalves,
            };
            float[] input = new float[rows * stride];
            for (int i = 0; i < x.Length; i++)
                input[(i / columns * stride) + (i % columns)] = x[i];
            using var device = new EmulatedDevice(PtxTarget.Sm80, seed: 3);
            GpuKernelRow<NormShape> row = NormKernels.Table.Best(device, shape, rows);
            using GpuFunction function = device.Load(row.Emit(shape, PtxTarget.Sm80));
            int bytes = writesLevels ? 1 : areHalves ? sizeof(ushort) : sizeof(float);
            GpuBuffer output = device.Allocate((long)rows * shape.OutputStride * bytes);
            GpuBuffer residual = device.Upload<float>(stream);
            var operands = new NormOperands
            {
                Terms = updates
                    ? [residual, KernelRun.Upload(device, input, areHalves)]
                    : [KernelRun.Upload(device, input, areHalves)],
                Output = output,
                Weight = device.Upload<float>(weight),
                Rows = rows,
                Bias = device.Upload<float>(bias),
                Sum = residual,
                Levels = new LevelOperands(
                    device.Upload<float>(inverseScales), device.Upload<float>(zeros), device.Upload<float>(factors)),
            };
            using GpuGraph graph = device.Record([operands.Launch(function, row, shape)]);
            graph.Run();
            float[] updated = new float[stream.Length];
            residual.Read(updated.AsSpan());
            Assert.Equal(updates ? sums : stream, updated);
            var written = (EmulatedBuffer)output;
            for (int i = 0; i < expected.Length; i++)
            {
                (int r, int c) = Math.DivRem(i, columns);
                if (writesLevels)
                {
                    UniformQuantizer quantizer = UniformQuantizer.Asymmetric(
                        8, Granularity.PerTensor, [1 / inverseScales[r]], [(int)zeros[r]]);
                    float factor = updates ? factors[c] : 1;
                    int level = Math.Min(240, quantizer.Quantize((float)expected[i] * factor, 0));
                    Assert.InRange(written.Peek((r * shape.OutputStride) + c, 1)[0] - level, -1, 1);
                }
                else
                {
                    float value = KernelRun.Peek(output, (r * shape.OutputStride) + c, areHalves);
                    double tolerance = areHalves ? 3e-5 + (Math.Abs(expected[i]) / 2000) : 2e-5;
                    Assert.InRange(value - expected[i], -tolerance, tolerance);
                }
            }
        }
    }

    [Theory]
    [InlineData(768, 768, 0, 4)]
    [InlineData(768, 770, 0, 2)]
    [InlineData(768, 768, 2, 2)]
    [InlineData(768, 768, 1, 1)]
    [InlineData(192, 192, 0, 2)] // four would leave lanes without columns
    [InlineData(45, 48, 0, 1)]
    public void Neighbours_are_read_at_once_where_they_are_aligned(int columns, int stride, int start, int atOnce)
    {
        var shape = new NormShape(columns, Epsilon, IsCentered: false)
        {
            Terms = [new NormTerm(columns), new NormTerm(stride, IsHalf: true) { Start = start }],
            WritesHalves = true,
        };
        Assert.Equal(atOnce, shape.AtOnce);
        string text = NormKernels.Table.Rows[0].Emit(shape, PtxTarget.Sm80).Text;
        int halves = (columns + (32 * atOnce) - 1) / (32 * atOnce);
        string load = atOnce switch { 4 => "ld.global.v2.b32", 2 => "ld.global.b32", _ => "ld.global.b16" };
        Assert.Equal(halves, text.Split(load).Length - 1);
        Assert.Equal(halves, text.Split(load.Replace("ld", "st", StringComparison.Ordinal)).Length - 1);
    }

    private static double[] Normalize(float[] x, float[] weight, float[] bias, int columns, bool isCentered)
    {
        var y = new double[x.Length];
        for (int start = 0; start < x.Length; start += columns)
        {
            double[] row = [.. x.AsSpan(start, columns).ToArray().Select(value => (double)value)];
            double mean = isCentered ? row.Average() : 0;
            double root = Math.Sqrt(row.Average(value => (value - mean) * (value - mean)) + Epsilon);
            for (int i = 0; i < columns; i++)
                y[start + i] = ((row[i] - mean) / root * weight[i]) + (isCentered ? bias[i] : 0);
        }
        return y;
    }
}
