using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Bitis.Tensors;

/// <summary>
/// Memory that shows accesses outside of it: under <c>BITIS_GUARD=start</c> or <c>end</c> every tensor and every native
/// block lies flush with a page that nobody may touch, and a single byte read or written too far ends the process. For
/// tests; Linux only.
/// </summary>
/// <remarks>
/// Under <c>end</c> a block whose size is no multiple of 64 bytes does not start at one: no kernel needs that for such
/// blocks. Native blocks are mapped one by one, and unmapped when they are freed. A tensor's page lies inside of its
/// managed array, whose contents the garbage collector does not look at; it is made accessible again before the array
/// is given back.
/// </remarks>
internal static unsafe partial class GuardedMemory
{
    /// <summary>The environment variable.</summary>
    public const string Variable = "BITIS_GUARD";

    /// <summary>After so many blocks garbage is collected: each costs two of a process' 65,530 mappings.</summary>
    private const int BlocksPerCollection = 8192;

    private const int None = 0, ReadWrite = 3, PrivateAnonymous = 0x22;

    private static readonly Lazy<GuardMode> LazyMode =
        new(() => Parse(Environment.GetEnvironmentVariable(Variable)), LazyThreadSafetyMode.PublicationOnly);

    private static readonly ConditionalWeakTable<float[], ArrayGuard> Guards = [];

    private static int _allocated;

    /// <summary>What the environment variable says; read once.</summary>
    /// <exception cref="BitisException">Its value is unknown, or this is not Linux.</exception>
    public static GuardMode Mode => LazyMode.Value;

    private static nint PageBytes => Environment.SystemPageSize;

    /// <summary>The mode that a value of the environment variable stands for.</summary>
    internal static GuardMode Parse(string? value)
    {
        GuardMode mode = value?.Trim().ToUpperInvariant() switch
        {
            null or "" => GuardMode.Off,
            "START" => GuardMode.Start,
            "END" => GuardMode.End,
            _ => throw new BitisException($"{Variable}={value}: is not a place for guard pages. Valid values: start, end, or nothing."),
        };
        return mode == GuardMode.Off || OperatingSystem.IsLinux()
            ? mode
            : throw new BitisException($"{Variable}={value}: memory can be guarded on Linux only. Unset the variable.");
    }

    /// <summary>Maps a block of zeros beside a page that nobody may touch.</summary>
    /// <param name="bytes">Its size.</param>
    /// <param name="mode">Where the page lies.</param>
    /// <param name="mapping">What <see cref="Free"/> takes.</param>
    /// <returns>The block's first byte.</returns>
    /// <exception cref="BitisException">The system has no such block.</exception>
    public static nint Allocate(nuint bytes, GuardMode mode, out (nint Address, nuint Bytes) mapping)
    {
        CollectNowAndThen();
        nuint usable = (nuint)RoundUp((nint)nuint.Max(bytes, 1)), length = usable + (nuint)PageBytes;
        nint address = Map(0, length, ReadWrite, PrivateAnonymous, -1, 0);
        if (address == -1)
            throw new BitisException($"{Variable}: the system maps no block of {length} bytes (error {Marshal.GetLastPInvokeError()}).");
        mapping = (address, length);
        nint guard = mode == GuardMode.Start ? address : address + (nint)usable;
        Protect(guard, None);
        return mode == GuardMode.Start ? address + PageBytes : guard - (nint)bytes;
    }

    /// <summary>Unmaps a block.</summary>
    /// <returns>Whether the system knew it.</returns>
    public static bool Free((nint Address, nuint Bytes) mapping) => Unmap(mapping.Address, mapping.Bytes) == 0;

    /// <summary>
    /// A pinned array in which some elements lie flush with a page that nobody may touch, for as long as anything
    /// refers to it.
    /// </summary>
    /// <param name="length">How many elements.</param>
    /// <param name="zeroed">Whether they are 0; else they are arbitrary.</param>
    /// <param name="mode">Where the page lies.</param>
    /// <param name="start">The index of the first.</param>
    public static float[] AllocateArray(int length, bool zeroed, GuardMode mode, out int start)
    {
        CollectNowAndThen();
        int total = checked(length + (int)(2 * PageBytes / sizeof(float)));
        float[] array = zeroed
            ? GC.AllocateArray<float>(total, pinned: true)
            : GC.AllocateUninitializedArray<float>(total, pinned: true);
        nint first = (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array));
        nint bytes = (nint)length * sizeof(float);
        bool isAtEnd = mode == GuardMode.End;
        nint guard = RoundUp(isAtEnd ? first + bytes : first);
        start = (int)(((isAtEnd ? guard - bytes : guard + PageBytes) - first) / sizeof(float));
        Guards.Add(array, new ArrayGuard(array, guard));
        return array;
    }

    private static void CollectNowAndThen()
    {
        if (Interlocked.Increment(ref _allocated) % BlocksPerCollection != 0)
            return;
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    private static nint RoundUp(nint address) => (address + PageBytes - 1) / PageBytes * PageBytes;

    private static void Protect(nint page, int protection)
    {
        if (Protect(page, (nuint)PageBytes, protection) != 0)
        {
            throw new BitisException(
                $"{Variable}: the system refuses to protect a page (error {Marshal.GetLastPInvokeError()}): "
                + "are there too many blocks for vm.max_map_count?");
        }
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int Protect(nint address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Unmap(nint address, nuint length);

    /// <summary>Protects a page of an array, and keeps the array until the page is accessible again.</summary>
    private sealed class ArrayGuard : SafeHandle
    {
        private readonly float[] _array;

        public ArrayGuard(float[] array, nint page)
            : base(invalidHandleValue: 0, ownsHandle: true)
        {
            _array = array;
            Protect(page, None);
            SetHandle(page);
        }

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            bool isDone = Protect(handle, (nuint)PageBytes, ReadWrite) == 0;
            GC.KeepAlive(_array);
            return isDone;
        }
    }
}
