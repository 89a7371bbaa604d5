using System.Runtime.InteropServices;

namespace Bitis.KernelHarness.Operands;

/// <summary>The system calls behind <see cref="GuardedBuffer{T}"/>.</summary>
internal static partial class GuardPages
{
    [LibraryImport("libc", EntryPoint = "mmap")]
    internal static partial nint Map(
        nint address, nuint length, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    internal static partial int Protect(nint address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    internal static partial int Unmap(nint address, nuint length);
}
