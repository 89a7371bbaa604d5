using System.Runtime.InteropServices;

namespace Bitis.Gpu.Driver;

/// <summary>Turns errors of the driver into one message.</summary>
internal static unsafe class CudaErrors
{
    /// <summary>The code for too little memory.</summary>
    public const int OutOfMemory = 2;

    /// <summary>The code for a machine without devices.</summary>
    public const int NoDevice = 100;

    /// <summary>The code for a device that another process has for itself.</summary>
    private const int DeviceUnavailable = 46;

    /// <summary>The codes after which every call fails: memory or links that err, and kernels that did.</summary>
    private const int UncorrectableMemory = 214, UncorrectableLink = 220, IllegalAddress = 700, Timeout = 702,
        ContextDestroyed = 709, Assertion = 710, FirstFailureOfKernel = 714, LastFailureOfKernel = 719, Unknown = 999;

    /// <summary>Throws if a call failed.</summary>
    /// <param name="error">What it returned.</param>
    /// <param name="work">What it was for: <c>copy to the GPU</c>.</param>
    /// <exception cref="BitisException">It failed.</exception>
    public static void Check(int error, string work)
    {
        if (error != 0)
            throw Exception(error, work);
    }

    /// <summary>The exception for an error.</summary>
    public static BitisException Exception(int error, string work) => new(Message(error, work, NameOf(error)));

    /// <summary>The message for an error.</summary>
    /// <param name="error">The code.</param>
    /// <param name="work">What the call was for.</param>
    /// <param name="name">The driver's name for the error.</param>
    public static string Message(int error, string work, string name) => error switch
    {
        OutOfMemory => $"The GPU has too little free memory to {work}. End other programs on it, or use the CPU.",
        NoDevice => "The CUDA driver finds no GPU on this machine.",
        DeviceUnavailable => $"The GPU cannot {work}: another process has it for itself ({name}).",
        UncorrectableMemory or UncorrectableLink or IllegalAddress or Timeout or ContextDestroyed or Assertion
            or (>= FirstFailureOfKernel and <= LastFailureOfKernel) or Unknown =>
            $"The GPU stopped while it should {work}: {name}. This process cannot use it any more.",
        _ => $"The GPU cannot {work}: {name}.",
    };

    /// <summary>The driver's name and explanation.</summary>
    private static string NameOf(int error)
    {
        string? name = CudaFunctions.GetErrorName(error, out byte* bytes) == 0
            ? Marshal.PtrToStringUTF8((nint)bytes)
            : null;
        string? text = CudaFunctions.GetErrorText(error, out bytes) == 0
            ? Marshal.PtrToStringUTF8((nint)bytes)
            : null;
        return $"{name ?? "CUDA error"} {error}{(text is null ? "" : $", {text}")}";
    }
}
