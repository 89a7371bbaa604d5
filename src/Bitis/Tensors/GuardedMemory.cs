using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Bitis.Tensors;

/// <summary>Memory that detects accesses outside of it; for tests, Linux only.</summary>
/// <remarks>
/// Under <c>BITIS_GUARD=start</c> or <c>end</c>, every tensor and every native block lies next to an inaccessible page.
/// A single byte read or written too far ends the process. Under <c>end</c> a block whose size is no multiple of 64
/// bytes does not start at one: no kernel needs that for such blocks. Native blocks are mapped one by one, and unmapped
/// when they are freed. Where very many blocks are in use, some have no page (<see cref="GuardBudget"/>,
/// <see cref="UnguardedBlocks"/>). A tensor's page lies inside of its managed array, whose contents the garbage
/// collector does not read. It is made accessible again before the array is given back.
/// </remarks>
internal static unsafe partial class GuardedMemory
{
    /// <summary>The environment variable.</summary>
    public const string Variable = "BITIS_GUARD";

    private const int None = 0, ReadWrite = 3, PrivateAnonymous = 0x22;

    private static readonly Lazy<GuardMode> LazyMode =
        new(() => Parse(Environment.GetEnvironmentVariable(Variable)), LazyThreadSafetyMode.PublicationOnly);

    private static readonly ConditionalWeakTable<float[], ArrayGuard> Guards = [];

    private static readonly Lazy<GuardBudget> LazyBudget = new(() => new GuardBudget(MostBlocks(), Collect));

    /// <summary>The mode that the environment variable selects; read once.</summary>
    /// <exception cref="BitisException">Its value is unknown, or this is not Linux.</exception>
    public static GuardMode Mode => LazyMode.Value;

    /// <summary>How many blocks have no guard page, because too many have one or the system refused it.</summary>
    public static long UnguardedBlocks => Budget.Unguarded;

    private static GuardBudget Budget => LazyBudget.Value;

    private static nint PageBytes => Environment.SystemPageSize;

    /// <summary>The mode for a value of the environment variable.</summary>
    internal static GuardMode Parse(string? value)
    {
        GuardMode mode = value?.Trim().ToUpperInvariant() switch
        {
            null or "" => GuardMode.Off,
            "START" => GuardMode.Start,
            "END" => GuardMode.End,
            _ => throw new BitisException(
                $"{Variable}={value}: unknown place for guard pages. Expected start, end, or no value."),
        };
        return mode == GuardMode.Off || OperatingSystem.IsLinux()
            ? mode
            : throw new BitisException($"{Variable}={value}: memory can be guarded on Linux only. Unset the variable.");
    }

    /// <summary>Maps a block of zeros next to an inaccessible page.</summary>
    /// <param name="bytes">Its size.</param>
    /// <param name="mode">Where the page lies.</param>
    /// <param name="block">The block's first byte.</param>
    /// <param name="mapping">The argument for <see cref="Free"/>.</param>
    /// <returns>Whether there is such a block; else the caller takes one without a page.</returns>
    public static bool TryAllocate(nuint bytes, GuardMode mode, out nint block, out (nint Address, nuint Bytes) mapping)
    {
        (block, mapping) = (0, (0, 0));
        if (!Budget.TryTake())
            return false;
        nuint usable = (nuint)RoundUp((nint)nuint.Max(bytes, 1)), length = usable + (nuint)PageBytes;
        nint address = Map(0, length, ReadWrite, PrivateAnonymous, -1, 0);
        nint guard = mode == GuardMode.Start ? address : address + (nint)usable;
        if (address == -1 || !Protect(guard, None))
        {
            if (address != -1)
                Unmap(address, length);
            Budget.Give();
            Budget.CountUnguarded();
            return false;
        }
        mapping = (address, length);
        block = mode == GuardMode.Start ? address + PageBytes : guard - (nint)bytes;
        return true;
    }

    /// <summary>Unmaps a block.</summary>
    /// <returns>Whether the system unmapped it.</returns>
    public static bool Free((nint Address, nuint Bytes) mapping)
    {
        Budget.Give();
        return Unmap(mapping.Address, mapping.Bytes) == 0;
    }

    /// <summary>Makes a pinned array in which some elements lie next to an inaccessible page.</summary>
    /// <remarks>The page stays for as long as anything refers to the array.</remarks>
    /// <param name="length">How many elements.</param>
    /// <param name="zeroed">Whether they are 0; else they are arbitrary.</param>
    /// <param name="mode">Where the page lies.</param>
    /// <param name="array">The array.</param>
    /// <param name="start">The index of the first.</param>
    /// <returns>Whether there is such an array; else the caller takes one without a page.</returns>
    public static bool TryAllocateArray(
        int length, bool zeroed, GuardMode mode, [NotNullWhen(true)] out float[]? array, out int start)
    {
        (array, start) = (null, 0);
        if (!Budget.TryTake())
            return false;
        int total = checked(length + (int)(2 * PageBytes / sizeof(float)));
        array = zeroed
            ? GC.AllocateArray<float>(total, pinned: true)
            : GC.AllocateUninitializedArray<float>(total, pinned: true);
        nint first = (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array));
        nint bytes = (nint)length * sizeof(float);
        bool isAtEnd = mode == GuardMode.End;
        nint guard = RoundUp(isAtEnd ? first + bytes : first);
        start = (int)(((isAtEnd ? guard - bytes : guard + PageBytes) - first) / sizeof(float));
        Guards.Add(array, new ArrayGuard(array, guard));
        if (!Protect(guard, None))
            Budget.CountUnguarded();
        return true;
    }

    /// <summary>Three quarters of the mappings that the system allows. Each page takes two.</summary>
    private static int MostBlocks()
    {
        const int usual = 65_530;
        try
        {
            string text = File.ReadAllText("/proc/sys/vm/max_map_count");
            return (int)Math.Min(long.Parse(text, CultureInfo.InvariantCulture) / 8 * 3, int.MaxValue);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return usual * 3 / 8;
        }
    }

    /// <summary>Collects arrays that are no longer used, which makes their pages accessible.</summary>
    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    private static nint RoundUp(nint address) => (address + PageBytes - 1) / PageBytes * PageBytes;

    private static bool Protect(nint page, int protection) => Protect(page, (nuint)PageBytes, protection) == 0;

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int Protect(nint address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Unmap(nint address, nuint length);

    /// <summary>Keeps an array with a protected page until the page is accessible again.</summary>
    private sealed class ArrayGuard : SafeHandle
    {
        private readonly float[] _array;

        public ArrayGuard(float[] array, nint page)
            : base(invalidHandleValue: 0, ownsHandle: true)
        {
            _array = array;
            SetHandle(page);
        }

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            bool isDone = Protect(handle, ReadWrite);
            Budget.Give();
            GC.KeepAlive(_array);
            return isDone;
        }
    }
}
