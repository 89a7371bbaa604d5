using System.Runtime.InteropServices;

namespace Bitis.Kernels.Memory;

/// <summary>
/// Memory for machine code that was assembled at run time: written first, then made executable, never both at once.
/// </summary>
/// <remarks>
/// Kernels stay for as long as the process runs. Linux only: elsewhere, and if the system forbids it, there are no such
/// kernels.
/// </remarks>
internal static unsafe partial class ExecutableMemory
{
    private const int Read = 1, Write = 2, Execute = 4, Private = 2, Anonymous = 0x20;

    // Ret.
    private static readonly Lazy<bool> LazyIsAllowed = new(() => OperatingSystem.IsLinux() && Place([0xC3]) != 0);

    /// <summary>Whether the system lets this process run code that it wrote.</summary>
    public static bool IsAllowed => LazyIsAllowed.Value;

    /// <summary>Copies code to where it can be run.</summary>
    /// <returns>The address; 0 if the system refuses.</returns>
    public static nint Place(ReadOnlySpan<byte> code)
    {
        nuint page = (nuint)Environment.SystemPageSize, length = ((nuint)code.Length + page - 1) / page * page;
        nint memory = Map(0, length, Read | Write, Private | Anonymous, -1, 0);
        if (memory == -1)
            return 0;
        code.CopyTo(new Span<byte>((void*)memory, code.Length));
        if (Protect(memory, length, Read | Execute) == 0)
            return memory;
        _ = Unmap(memory, length);
        return 0;
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int Protect(nint address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Unmap(nint address, nuint length);
}
