using System.Text;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Driver;

/// <summary>Turns texts into modules of the current context, and keeps what the assembler made of them.</summary>
/// <param name="cache">Where assembled kernels are kept; null for nowhere.</param>
/// <param name="processor">The device and its driver: what an assembled kernel is for.</param>
internal sealed unsafe class ModuleLoader(ModuleCache? cache, string processor)
{
    private const int LogBytes = 4096, ErrorLog = 5, ErrorLogBytes = 6;

    /// <summary>Loads a kernel, and assembles it if it is not kept.</summary>
    /// <returns>The driver's module.</returns>
    /// <exception cref="BitisException">The driver refuses the kernel.</exception>
    public nint Load(PtxKernel kernel)
    {
        string key = $"{processor}\n{kernel.Text}";
        if (cache?.Find(key) is { } kept)
        {
            fixed (byte* image = kept)
            {
                if (CudaFunctions.LoadModule(out nint module, image, 0, null, null) == 0)
                    return module;
            }
            cache.Remove(key); // the driver does not take it
        }
        return Assemble(kernel, key);
    }

    /// <summary>Assembles a text. The assembler's words are part of the message if it refuses.</summary>
    private nint Assemble(PtxKernel kernel, string key)
    {
        const int Text = 1;
        string work = $"assemble '{kernel.Name}'";
        byte[] source = Encoding.ASCII.GetBytes($"{kernel.Text}\0"), log = new byte[LogBytes];
        int* options = stackalloc int[] { ErrorLog, ErrorLogBytes };
        fixed (byte* text = source, words = log)
        {
            nint* values = stackalloc nint[] { (nint)words, LogBytes };
            CudaErrors.Check(CudaFunctions.CreateLink(2, options, values, out nint link), work);
            try
            {
                int error = CudaFunctions.AddToLink(
                    link, Text, text, (nuint)source.Length, kernel.Name, 0, null, null);
                byte* image = null;
                nuint bytes = 0;
                if (error == 0)
                    error = CudaFunctions.CompleteLink(link, out image, out bytes);
                if (error != 0)
                    throw Refused(CudaErrors.Exception(error, work), log);
                CudaErrors.Check(CudaFunctions.LoadModule(out nint module, image, 0, null, null), work);
                cache?.Add(key, new ReadOnlySpan<byte>(image, (int)bytes)); // the image belongs to the link
                return module;
            }
            finally
            {
                _ = CudaFunctions.DestroyLink(link);
            }
        }
    }

    private static BitisException Refused(BitisException cause, byte[] log)
    {
        int end = Array.IndexOf(log, (byte)0);
        string said = Encoding.ASCII.GetString(log.AsSpan(0, end < 0 ? log.Length : end)).Trim();
        return said.Length == 0 ? cause : new BitisException($"{cause.Message} {said}", cause);
    }
}
