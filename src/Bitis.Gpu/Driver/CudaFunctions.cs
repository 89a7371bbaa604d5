using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Bitis.Gpu.Driver;

/// <summary>The functions of the CUDA driver that Bitis calls; each returns 0 or an error.</summary>
internal static unsafe partial class CudaFunctions
{
    private const string Library = "cuda";

    [ModuleInitializer]
    internal static void Register() => NativeLibrary.SetDllImportResolver(typeof(CudaFunctions).Assembly, Resolve);

    [LibraryImport(Library, EntryPoint = "cuInit")]
    public static partial int Init(uint flags);

    [LibraryImport(Library, EntryPoint = "cuDriverGetVersion")]
    public static partial int GetVersion(out int version);

    [LibraryImport(Library, EntryPoint = "cuGetErrorName")]
    public static partial int GetErrorName(int error, out byte* name);

    [LibraryImport(Library, EntryPoint = "cuGetErrorString")]
    public static partial int GetErrorText(int error, out byte* text);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetCount")]
    public static partial int GetDeviceCount(out int count);

    [LibraryImport(Library, EntryPoint = "cuDeviceGet")]
    public static partial int GetDevice(out int device, int ordinal);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetName")]
    public static partial int GetDeviceName(byte* name, int length, int device);

    [LibraryImport(Library, EntryPoint = "cuDeviceTotalMem_v2")]
    public static partial int GetDeviceMemory(out nuint bytes, int device);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetAttribute")]
    public static partial int GetDeviceAttribute(out int value, int attribute, int device);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRetain")]
    public static partial int RetainContext(out nint context, int device);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRelease_v2")]
    public static partial int ReleaseContext(int device);

    [LibraryImport(Library, EntryPoint = "cuCtxSetCurrent")]
    public static partial int SetContext(nint context);

    [LibraryImport(Library, EntryPoint = "cuModuleLoadDataEx")]
    public static partial int LoadModule(out nint module, byte* image, uint count, int* options, nint* values);

    [LibraryImport(Library, EntryPoint = "cuLinkCreate_v2")]
    public static partial int CreateLink(uint count, int* options, nint* values, out nint link);

    [LibraryImport(Library, EntryPoint = "cuLinkAddData_v2", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int AddToLink(
        nint link, int kind, byte* data, nuint bytes, string name, uint count, int* options, nint* values);

    [LibraryImport(Library, EntryPoint = "cuLinkComplete")]
    public static partial int CompleteLink(nint link, out byte* image, out nuint bytes);

    [LibraryImport(Library, EntryPoint = "cuLinkDestroy")]
    public static partial int DestroyLink(nint link);

    [LibraryImport(Library, EntryPoint = "cuModuleUnload")]
    public static partial int UnloadModule(nint module);

    [LibraryImport(Library, EntryPoint = "cuModuleGetFunction", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int GetFunction(out nint function, nint module, string name);

    [LibraryImport(Library, EntryPoint = "cuFuncSetAttribute")]
    public static partial int SetFunctionAttribute(nint function, int attribute, int value);

    [LibraryImport(Library, EntryPoint = "cuMemAlloc_v2")]
    public static partial int Allocate(out ulong address, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cuMemFree_v2")]
    public static partial int Free(ulong address);

    [LibraryImport(Library, EntryPoint = "cuMemcpyHtoDAsync_v2")]
    public static partial int CopyToDevice(ulong target, void* source, nuint bytes, nint stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpyDtoHAsync_v2")]
    public static partial int CopyToHost(void* target, ulong source, nuint bytes, nint stream);

    [LibraryImport(Library, EntryPoint = "cuStreamCreate")]
    public static partial int CreateStream(out nint stream, uint flags);

    [LibraryImport(Library, EntryPoint = "cuStreamDestroy_v2")]
    public static partial int DestroyStream(nint stream);

    [LibraryImport(Library, EntryPoint = "cuStreamSynchronize")]
    public static partial int Wait(nint stream);

    [LibraryImport(Library, EntryPoint = "cuEventCreate")]
    public static partial int CreateEvent(out nint clock, uint flags);

    [LibraryImport(Library, EntryPoint = "cuEventRecord")]
    public static partial int RecordEvent(nint clock, nint stream);

    [LibraryImport(Library, EntryPoint = "cuEventElapsedTime")]
    public static partial int GetElapsedTime(out float milliseconds, nint start, nint end);

    [LibraryImport(Library, EntryPoint = "cuEventDestroy_v2")]
    public static partial int DestroyEvent(nint clock);

    [LibraryImport(Library, EntryPoint = "cuStreamBeginCapture_v2")]
    public static partial int BeginCapture(nint stream, int mode);

    [LibraryImport(Library, EntryPoint = "cuStreamEndCapture")]
    public static partial int EndCapture(nint stream, out nint graph);

    [LibraryImport(Library, EntryPoint = "cuLaunchKernel")]
    public static partial int Launch(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ, uint sharedBytes,
        nint stream, void** parameters, void** extra);

    [LibraryImport(Library, EntryPoint = "cuGraphInstantiateWithFlags")]
    public static partial int InstantiateGraph(out nint executable, nint graph, ulong flags);

    [LibraryImport(Library, EntryPoint = "cuGraphLaunch")]
    public static partial int LaunchGraph(nint executable, nint stream);

    [LibraryImport(Library, EntryPoint = "cuGraphExecDestroy")]
    public static partial int DestroyExecutable(nint executable);

    [LibraryImport(Library, EntryPoint = "cuGraphDestroy")]
    public static partial int DestroyGraph(nint graph);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        string file = OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1";
        return name == Library && NativeLibrary.TryLoad(file, out nint handle) ? handle : 0;
    }
}
