using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Benchmarks.Measurements;

/// <summary>The rates that decide the design: exponentials, multiply-add, shared memory, launches, memory.</summary>
internal static class InstructionRates
{
    private const int Threads = 256, Chains = 8;

    private static readonly (string Name, string Opcode, RegisterKind Kind, int Operands, int Values)[] Instructions =
    [
        ("exponential of float32", "ex2.approx.ftz.f32", RegisterKind.Float, 1, 1),
        ("exponentials of half2", "ex2.approx.f16x2", RegisterKind.Word, 1, 2),
        ("logarithm of float32", "lg2.approx.ftz.f32", RegisterKind.Float, 1, 1),
        ("multiply-add of float32", "fma.rn.f32", RegisterKind.Float, 3, 1),
        ("multiply-add of half2", "fma.rn.f16x2", RegisterKind.Word, 3, 2),
        ("multiply-add of int32", "mad.lo.s32", RegisterKind.Word, 3, 1),
        ("conversion to float32", "cvt.rn.f32.s32", RegisterKind.Word, 1, 1),
    ];

    /// <summary>Measures and writes a table.</summary>
    public static void Run(Func<GpuDevice> open, bool isEmulated, TextWriter output)
    {
        using GpuDevice device = open();
        using var clock = new Clock(device);
        (int rounds, int blocksOfMultiprocessor) = isEmulated ? (2, 0) : (4096, 8);
        int blocks = Math.Max(1, device.Multiprocessors * blocksOfMultiprocessor);
        output.WriteLine("| values of | 10⁹ a second | a second and multiprocessor, in 10⁹ |\n|---|---|---|");
        foreach ((string name, string opcode, RegisterKind kind, int operands, int values) in Instructions)
        {
            Attempt($"{name} (`{opcode}`)", output, () =>
            {
                PtxKernel kernel = Arithmetic(device, opcode, kind, operands, rounds);
                double seconds = SecondsOf(kernel);
                return Rate((double)blocks * Threads * rounds * Chains * values / seconds);
            });
        }
        Attempt("16 bytes of shared memory (`ld.shared.v4.b32`)", output, () =>
            Rate((double)blocks * Threads * rounds * Chains / SecondsOf(SharedLoads(device, rounds))));
        output.WriteLine("\n| memory and launches | |\n|---|---|");
        MeasureCopy(device, clock, isEmulated, output);
        MeasureLaunches(device, clock, isEmulated ? 10 : 1000, output);

        string Rate(double perSecond) => $"{perSecond / 1e9:F0} | {perSecond / 1e9 / device.Multiprocessors:F2}";

        double SecondsOf(PtxKernel kernel)
        {
            using GpuBuffer buffer = device.Upload<int>(new int[blocks * Threads]);
            using GpuFunction function = device.Load(kernel);
            return clock.SecondsOfLaunch(new GpuLaunch(function, new GpuGrid(blocks), buffer), isEmulated ? 1 : 4);
        }
    }

    private static void Attempt(string name, TextWriter output, Func<string> measure)
    {
        try
        {
            output.WriteLine($"| {name} | {measure()} |");
        }
        catch (Exception e) when (e is BitisException or Emulation.EmulationException)
        {
            output.WriteLine($"| {name} | {e.Message.ReplaceLineEndings(" ")} | |");
        }
    }

    /// <summary>Independent chains of one instruction. What they give is stored, so that nothing is removed.</summary>
    private static PtxKernel Arithmetic(
        GpuDevice device, string opcode, RegisterKind kind, int operands, int rounds)
    {
        var w = new PtxWriter("rate", Threads);
        Register buffer = w.Parameter(ParameterKind.Pointer);
        Register index = w.MultiplyAdd(w.Special("ctaid.x"), Threads, w.Special("tid.x"));
        Register place = w.Address(buffer, index, sizeof(int));
        Register start = w.Emit(RegisterKind.Word, "ld.global.b32", Operand.At(place));
        Register[] chains = w.New(kind, Chains);
        foreach (Register chain in chains)
            w.Do("mov.b32", chain, start);
        bool changesType = opcode.StartsWith("cvt", StringComparison.Ordinal);
        Register converted = w.New(RegisterKind.Float);
        w.Loop(w.Integer(0), rounds, 1, () =>
        {
            foreach (Register chain in chains)
            {
                Operand result = changesType ? converted : chain;
                w.Do(opcode, [result, .. Enumerable.Repeat((Operand)chain, operands)]);
                if (changesType)
                    w.Do("mov.b32", chain, converted);
            }
        });
        Register sum = w.Integer(0);
        foreach (Register chain in chains)
            sum = w.Xor(sum, kind == RegisterKind.Word ? chain : w.Emit(RegisterKind.Word, "mov.b32", chain));
        w.Do("st.global.b32", Operand.At(place), sum);
        return w.Finish(PtxTarget.For(device.Capability));
    }

    private static PtxKernel SharedLoads(GpuDevice device, int rounds)
    {
        const int Bytes = 16;
        var w = new PtxWriter("shared_loads", Threads);
        Register buffer = w.Parameter(ParameterKind.Pointer);
        Register thread = w.Special("tid.x");
        Register place = w.Address(buffer, w.MultiplyAdd(w.Special("ctaid.x"), Threads, thread), sizeof(int));
        Register own = w.MultiplyAdd(thread, Bytes, w.SharedBase());
        w.Reserve(Threads * Bytes);
        Register zero = w.Integer(0);
        w.Do("st.shared.v4.b32", Operand.At(own), Operand.Vector(zero, zero, zero, zero));
        w.Barrier();
        Register sum = w.Integer(0);
        w.Loop(w.Integer(0), rounds, 1, () =>
        {
            for (int i = 0; i < Chains; i++)
            {
                // The address depends on what was loaded, so that no load is moved out of the loop.
                Register[] values = w.New(RegisterKind.Word, 4);
                w.Do("ld.shared.v4.b32", Operand.Vector(values), Operand.At(w.Add(own, sum)));
                if (i == Chains - 1)
                    w.Do("or.b32", sum, values[0], values[3]);
            }
        });
        w.Do("st.global.b32", Operand.At(place), sum);
        return w.Finish(PtxTarget.For(device.Capability));
    }

    private static void MeasureCopy(GpuDevice device, Clock clock, bool isEmulated, TextWriter output)
    {
        long bytes = isEmulated ? 1 << 14 : 1L << 30;
        var w = new PtxWriter("copy", Threads);
        Register source = w.Parameter(ParameterKind.Pointer), target = w.Parameter(ParameterKind.Pointer);
        Register index = w.MultiplyAdd(w.Special("ctaid.x"), Threads, w.Special("tid.x"));
        Register[] values = w.New(RegisterKind.Word, 4);
        w.Do("ld.global.v4.b32", Operand.Vector(values), Operand.At(w.Address(source, index, 16)));
        w.Do("st.global.v4.b32", Operand.At(w.Address(target, index, 16)), Operand.Vector(values));
        using GpuFunction function = device.Load(w.Finish(PtxTarget.For(device.Capability)));
        using GpuBuffer from = device.Upload<byte>(new byte[bytes]), to = device.Allocate(bytes);
        var launch = new GpuLaunch(function, new GpuGrid((int)(bytes / 16 / Threads)), from, to);
        double seconds = clock.SecondsOfLaunch(launch, isEmulated ? 1 : 10);
        output.WriteLine($"| copy of {bytes >> 20} MiB | {2 * bytes / seconds / 1e9:F0} GB/s, both ways |");
    }

    private static void MeasureLaunches(GpuDevice device, Clock clock, int count, TextWriter output)
    {
        var w = new PtxWriter("nothing", PtxWriter.WarpSize);
        using GpuFunction function = device.Load(w.Finish(PtxTarget.For(device.Capability)));
        var launch = new GpuLaunch(function, new GpuGrid(1));
        output.WriteLine(
            $"| an empty kernel in a graph of {count} | {clock.SecondsOfLaunch(launch, count) * 1e6:F2} µs |");
        using GpuGraph one = device.Record([launch]);
        output.WriteLine($"| a graph of one empty kernel, and waiting | {clock.Seconds(one) * 1e6:F2} µs |");
    }
}
