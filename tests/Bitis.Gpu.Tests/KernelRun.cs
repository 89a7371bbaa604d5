using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Emulation.Memory;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Tests;

/// <summary>Runs small kernels on the interpreter.</summary>
internal static class KernelRun
{
    /// <summary>A device for kernels whose results must be exact.</summary>
    public static EmulatedDevice Device() => new(PtxTarget.Sm80);

    /// <summary>Runs one kernel once.</summary>
    public static void Launch(
        EmulatedDevice device, PtxKernel kernel, GpuGrid grid, params ReadOnlySpan<GpuArgument> arguments)
    {
        using GpuFunction function = device.Load(kernel);
        using GpuGraph graph = device.Record([new GpuLaunch(function, grid, arguments)]);
        graph.Run();
    }

    /// <summary>Copies floats to a device, as float32 or float16.</summary>
    public static GpuBuffer Upload(EmulatedDevice device, float[] values, bool areHalves) => areHalves
        ? device.Upload<Half>(Array.ConvertAll(values, value => (Half)value))
        : device.Upload<float>(values);

    /// <summary>A float32 or float16 of a buffer.</summary>
    public static float Peek(GpuBuffer buffer, int index, bool isHalf)
    {
        int bytes = isHalf ? sizeof(ushort) : sizeof(float);
        ReadOnlySpan<byte> value = ((EmulatedBuffer)buffer).Peek(index * bytes, bytes);
        return isHalf ? (float)BitConverter.ToHalf(value) : BitConverter.ToSingle(value);
    }

    /// <summary>Runs a kernel of one block and one parameter, a buffer of words that are read back.</summary>
    public static int[] Words(
        int count, int threads, Action<PtxWriter, Register> body, ReadOnlySpan<int> initial = default)
    {
        using EmulatedDevice device = Device();
        GpuBuffer buffer = initial.IsEmpty ? device.Allocate(count * sizeof(int)) : device.Upload(initial);
        Launch(device, Write(threads, body), new GpuGrid(1), buffer);
        var result = new int[count];
        buffer.Read(result.AsSpan());
        return result;
    }

    /// <summary>Writes a kernel with one parameter, a pointer.</summary>
    public static PtxKernel Write(int threads, Action<PtxWriter, Register> body)
    {
        var writer = new PtxWriter("test", threads);
        body(writer, writer.Parameter(ParameterKind.Pointer));
        return writer.Finish(PtxTarget.Sm80);
    }

    /// <summary>The address of a thread's word.</summary>
    public static Register OwnWord(PtxWriter writer, Register pointer) =>
        writer.Address(pointer, writer.Special("tid.x"), sizeof(int));
}
