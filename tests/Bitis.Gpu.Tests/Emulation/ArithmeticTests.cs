using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Ptx;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;

namespace Bitis.Gpu.Tests.Emulation;

/// <summary>Instructions compute what the language says.</summary>
public sealed class ArithmeticTests
{
    private static readonly float[] Extremes =
    [
        0, -0f, 1, -1, 0.5f, 1.5f, 2.5f, -2.5f, 254.5f, 255.5f, 1e30f, -1e30f, float.NaN, float.PositiveInfinity,
        float.NegativeInfinity, float.MaxValue, float.Epsilon, 127.49999f, 3e9f, -3e9f, 0.1f, -0.1f, 7, -7, 100, -100,
        12.5f, 13.5f, 1e-20f, -1e-20f, 42, -42,
    ];

    [Fact]
    public void Levels_are_those_of_the_CPU()
    {
        var quantizer = UniformQuantizer.Asymmetric(8, Granularity.PerTensor, [0.731f], [77]);
        int[] levels = Map(Extremes, (w, x) => w.Quantize(x, w.Float(quantizer.InverseScales[0]), w.Float(77), 255));
        Assert.Equal(Extremes.Select(x => quantizer.Quantize(x, 0)), levels);
    }

    [Theory]
    [InlineData("bfly", 1, 31, 1, 0, 3, 2)]
    [InlineData("up", 1, 0, 0, 0, 1, 2)]
    [InlineData("down", 31, 31, 31, 1, 2, 3)]
    [InlineData("idx", 2, 31, 2, 2, 2, 2)]
    [InlineData("bfly", 2, 0x1C01, 0, 1, 0, 1)] // segments of four; lanes above 1 give nothing
    [InlineData("idx", 5, 0x181F, 5, 5, 5, 5)] // segments of eight
    public void Shuffles_take_values_of_other_lanes(string mode, int b, int limits, params int[] expected)
    {
        int[] result = KernelRun.Words(32, 32, (w, pointer) => w.Do(
            "st.global.b32", Operand.At(KernelRun.OwnWord(w, pointer)), w.Emit(
                RegisterKind.Word, $"shfl.sync.{mode}.b32", w.Special("laneid"), b, limits, -1)));
        Assert.Equal(expected, result[..4]);
    }

    [Fact]
    public void A_dot_product_takes_unsigned_and_signed_bytes()
    {
        int[] result = KernelRun.Words(32, 32, (w, pointer) => w.Do(
            "st.global.b32", Operand.At(KernelRun.OwnWord(w, pointer)), w.Emit(
                RegisterKind.Word, "dp4a.u32.s32", w.Integer(unchecked((int)0xFF02_0380)), unchecked((int)0x80FF_0701),
                1000)));
        Assert.Equal(1000 + (0xFF * -128) + (2 * -1) + (3 * 7) + (0x80 * 1), result[0]);
    }

    [Fact]
    public void Loops_run_as_often_as_they_say()
    {
        int[] result = KernelRun.Words(32, 32, (w, pointer) =>
        {
            Register sum = w.Integer(0), i = w.Integer(0);
            w.Loop(i, 7, 2, () => w.Do("add.s32", sum, sum, i));
            w.Loop(w.Integer(5), 5, 1, () => w.Do("add.s32", sum, sum, 1000));
            w.Do("st.global.b32", Operand.At(KernelRun.OwnWord(w, pointer)), sum);
        });
        Assert.Equal(0 + 2 + 4 + 6, result[0]);
    }

    [Fact]
    public void Approximate_functions_have_their_permitted_errors()
    {
        float[] inputs = [.. Enumerable.Range(0, 32).Select(i => 0.51f + (i * 0.047f))];
        (string Opcode, Func<double, double> Exact, double Bound, bool IsAbsolute)[] functions =
        [
            ("ex2.approx.ftz.f32", x => Math.Pow(2, x), Math.Pow(2, -22), false),
            ("lg2.approx.ftz.f32", Math.Log2, Math.Pow(2, -22), true),
            ("rcp.approx.ftz.f32", x => 1 / x, Math.Pow(2, -23), false),
            ("rsqrt.approx.ftz.f32", x => 1 / Math.Sqrt(x), Math.Pow(2, -22.9), false),
        ];
        foreach ((string opcode, Func<double, double> exact, double bound, bool isAbsolute) in functions)
        {
            double worst = 0;
            foreach (int seed in (int[])[1, 2, 3, 4, 5])
            {
                int[] bits = Map(inputs, (w, x) => w.Emit(RegisterKind.Float, opcode, x), seed);
                for (int i = 0; i < inputs.Length; i++)
                {
                    double value = exact(inputs[i]), error = BitConverter.Int32BitsToSingle(bits[i]) - value;
                    worst = Math.Max(worst, Math.Abs(isAbsolute ? error : error / value) / bound);
                }
            }
            Assert.InRange(worst, 0.7, 1.6); // the bound, and the rounding of the result
            int[] clean = Map(inputs, (w, x) => w.Emit(RegisterKind.Float, opcode, x));
            Assert.Equal(inputs.Select(x => (float)exact(x)), clean.Select(BitConverter.Int32BitsToSingle));
        }
    }

    [Fact]
    public void Bank_conflicts_are_counted()
    {
        Assert.Equal((1, 1), Passes(stride: 4));
        Assert.Equal((1, 1), Passes(stride: 0)); // all lanes read one word
        Assert.Equal((2, 1), Passes(stride: 8));
        Assert.Equal((32, 1), Passes(stride: 128));
    }

    private static (long Passes, long Ideal) Passes(int stride)
    {
        using EmulatedDevice device = KernelRun.Device();
        PtxKernel kernel = KernelRun.Write(32, (w, _) =>
        {
            Register start = w.Add(w.SharedBase(), w.Reserve(4096)), thread = w.Special("tid.x");
            w.Loop(w.Integer(0), 32, 1, () =>
            {
                w.Do("st.shared.b32", Operand.At(w.MultiplyAdd(thread, 4, start)), thread);
                w.Do("add.s32", start, start, 128);
            });
            w.Do("sub.s32", start, start, 4096);
            w.Do("bar.warp.sync", -1);
            _ = w.Emit(RegisterKind.Word, "ld.shared.b32", Operand.At(w.MultiplyAdd(thread, stride, start)));
        });
        KernelRun.Launch(device, kernel, new GpuGrid(1), device.Allocate(4));
        return (device.Measurements.SharedPasses - 32, device.Measurements.IdealSharedPasses - 32);
    }

    /// <summary>Applies a function to floats, one for each lane, and returns the bits of the results.</summary>
    private static int[] Map(float[] inputs, Func<PtxWriter, Register, Register> function, int? seed = null)
    {
        using var device = new EmulatedDevice(PtxTarget.Sm80, seed);
        GpuBuffer buffer = device.Upload<float>(inputs);
        PtxKernel kernel = KernelRun.Write(32, (w, pointer) =>
        {
            Register place = KernelRun.OwnWord(w, pointer);
            Register result = function(w, w.Emit(RegisterKind.Float, "ld.global.f32", Operand.At(place)));
            w.Do(result.Kind == RegisterKind.Float ? "st.global.f32" : "st.global.b32", Operand.At(place), result);
        });
        KernelRun.Launch(device, kernel, new GpuGrid(1), buffer);
        var bits = new int[inputs.Length];
        buffer.Read(bits.AsSpan());
        return bits;
    }
}
