using System.Runtime.InteropServices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Driver;

/// <summary>The CUDA driver of this machine, which is all of CUDA that Bitis needs.</summary>
internal static unsafe class CudaDriver
{
    /// <summary>The least version: 12.0 knows all targets of the kernels.</summary>
    private const int LeastVersion = 12000;

    private const int MajorAttribute = 75, MinorAttribute = 76;

    /// <summary>The GPUs of this machine.</summary>
    /// <exception cref="BitisException">There is no driver, no GPU, or the driver is too old.</exception>
    public static IReadOnlyList<CudaDeviceInfo> Devices()
    {
        string version = Start();
        CudaErrors.Check(CudaFunctions.GetDeviceCount(out int count), "be counted");
        if (count == 0)
            throw CudaErrors.Exception(CudaErrors.NoDevice, "be found");
        var devices = new CudaDeviceInfo[count];
        for (int i = 0; i < count; i++)
        {
            CudaErrors.Check(CudaFunctions.GetDevice(out int device, i), "be opened");
            devices[i] = Describe(i, device, version);
        }
        return devices;
    }

    /// <summary>A number that describes a device.</summary>
    public static int Attribute(int device, int attribute)
    {
        CudaErrors.Check(CudaFunctions.GetDeviceAttribute(out int value, attribute, device), "be described");
        return value;
    }

    /// <summary>Starts the driver, and tells its version.</summary>
    private static string Start()
    {
        int version;
        try
        {
            CudaErrors.Check(CudaFunctions.Init(0), "start");
            CudaErrors.Check(CudaFunctions.GetVersion(out version), "start");
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            throw new BitisException(
                "This machine has no CUDA driver (libcuda or nvcuda), so there is no GPU to use.", e);
        }

        if (version < LeastVersion)
        {
            throw new BitisException(
                $"The CUDA driver has version {Text(version)}, but Bitis needs {Text(LeastVersion)} or later.");
        }
        return Text(version);
    }

    private static CudaDeviceInfo Describe(int ordinal, int device, string version)
    {
        const int NameLength = 256;
        byte* name = stackalloc byte[NameLength];
        CudaErrors.Check(CudaFunctions.GetDeviceName(name, NameLength, device), "be described");
        CudaErrors.Check(CudaFunctions.GetDeviceMemory(out nuint bytes, device), "be described");
        var capability = new ComputeCapability(Attribute(device, MajorAttribute), Attribute(device, MinorAttribute));
        return new CudaDeviceInfo(ordinal, Marshal.PtrToStringUTF8((nint)name) ?? "", capability, (long)bytes, version);
    }

    private static string Text(int version) => $"{version / 1000}.{version % 1000 / 10}";
}
