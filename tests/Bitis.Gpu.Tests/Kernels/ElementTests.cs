using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Emulation.Memory;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Elementwise;
using Bitis.Gpu.Ptx;
using Bitis.Graphs.Operators.Elementwise;

namespace Bitis.Gpu.Tests.Kernels;

/// <summary>Elementwise operations against those of the library.</summary>
public sealed class ElementTests
{
    public static TheoryData<string> Operations => [.. Enum.GetNames<ElementOperation>()];

    [Theory]
    [MemberData(nameof(Operations))]
    public void Elements_are_those_of_the_operators(string name)
    {
        const int Images = 2, Rows = 11, SourceRows = 13, Columns = 38;
        ElementOperation operation = Enum.Parse<ElementOperation>(name);
        bool isBinary = operation is ElementOperation.Add or ElementOperation.Multiply or ElementOperation.Gate;
        foreach ((bool areHalves, bool writesLevels, int atOnce) in ((bool, bool, int)[])[
            (false, false, 1), (true, false, 1), (false, true, 1), (false, false, 2), (true, false, 2),
            (true, true, 2)])
        {
            var random = new RandomValues(3);
            var shape = new ElementShape(
                operation, Rows, Columns, new ElementTerm(SourceRows, Columns + 2, areHalves, HasMap: true),
                isBinary ? new ElementTerm(Rows, Columns + 6, !areHalves) : null)
            {
                Factor = 0.75f,
                Levels = writesLevels ? new LevelShape(250, HasFactors: true) : null,
                WritesHalves = areHalves,
                AtOnce = atOnce,
                OutputStride = Columns + 10,
            };
            float[] a = random.Floats(Images * SourceRows * (Columns + 2), -3, 3, areHalves);
            float[] b = random.Floats(Images * Rows * (Columns + 6), -3, 3, !areHalves);
            float[] angles = random.Floats(2 * Rows * Columns), inverses = random.Floats(Rows, 10, 30);
            float[] zeros = random.Integers(Rows, 100, 150), factors = random.Floats(Columns, 0.5f, 2);
            int[] map = random.Rows(Rows, Rows - 2);
            using var device = new EmulatedDevice(PtxTarget.Sm80, seed: 2);
            GpuKernelRow<ElementShape> row = ElementKernels.Table.Best(device, shape, Images);
            using GpuFunction function = device.Load(row.Emit(shape, PtxTarget.Sm80));
            GpuBuffer output = device.Allocate(Images * Rows * shape.OutputStride * sizeof(float));
            var operands = new ElementOperands
            {
                Images = Images,
                A = KernelRun.Upload(device, a, areHalves),
                MapOfA = device.Upload<int>(map),
                B = KernelRun.Upload(device, b, !areHalves),
                Angles = device.Upload<float>(angles),
                Output = output,
                Levels = new LevelOperands(
                    device.Upload<float>(inverses), device.Upload<float>(zeros), device.Upload<float>(factors)),
            };
            using GpuGraph graph = device.Record([operands.Launch(function, row, shape)]);
            graph.Run();
            for (int i = 0; i < Images * Rows * Columns; i++)
            {
                int image = i / (Rows * Columns), r = i / Columns % Rows, c = i % Columns;
                float y = b[(((image * Rows) + r) * (Columns + 6)) + c];
                float expected = operation switch
                {
                    ElementOperation.Scale => A(c) * 0.75f,
                    ElementOperation.Relu => Math.Max(A(c), 0),
                    ElementOperation.Gelu => new Gelu().Apply(A(c)),
                    ElementOperation.Silu => new Silu().Apply(A(c)),
                    ElementOperation.Sigmoid => new Sigmoid().Apply(A(c)),
                    ElementOperation.Add => A(c) + y,
                    ElementOperation.Multiply => A(c) * y,
                    ElementOperation.Gate => A(c) * 0.75f * new Silu().Apply(y),
                    ElementOperation.Rotate => (A(c) * angles[(r * Columns) + c])
                        + (A(c ^ 1) * angles[((Rows + r) * Columns) + c]),
                    _ => A(c),
                };
                int place = (((image * Rows) + r) * shape.OutputStride) + c;
                if (writesLevels)
                {
                    double level = Math.Clamp(Math.Round(expected * factors[c] * inverses[r]) + zeros[r], 0, 250);
                    Assert.InRange(((EmulatedBuffer)output).Peek(place, 1)[0] - level, -1, 1);
                }
                else
                {
                    double tolerance = areHalves ? Math.Abs(expected) / 1900 + 1e-6 : 2e-6;
                    Assert.InRange(KernelRun.Peek(output, place, areHalves) - expected, -tolerance, tolerance);
                }

                float A(int column) => map[r] < 0
                    ? 0
                    : a[(((image * SourceRows) + map[r]) * (Columns + 2)) + column];
            }
        }
    }

    [Fact]
    public void Gelu_is_exact_where_it_is_small()
    {
        float[] x = [.. Enumerable.Range(0, 512).Select(i => (i - 256) / 32f)];
        int[] words = KernelRun.Words(
            x.Length, x.Length, (w, pointer) =>
            {
                Register place = KernelRun.OwnWord(w, pointer);
                Register value = w.Emit(RegisterKind.Float, "ld.global.f32", Operand.At(place));
                w.Do("st.global.f32", Operand.At(place), w.Gelu(value));
            },
            [.. x.Select(BitConverter.SingleToInt32Bits)]);
        for (int i = 0; i < x.Length; i++)
        {
            double error = BitConverter.Int32BitsToSingle(words[i]) - new Gelu().Apply(x[i]);
            Assert.InRange(error, -3e-7 * Math.Max(1, Math.Abs(x[i])), 3e-7 * Math.Max(1, Math.Abs(x[i])));
        }
    }
}
