using System.Runtime.InteropServices;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Simd;
using Bitis.Tensors;

namespace Bitis.Tests;

/// <summary>
/// Whether a byte may be read is asked of the system, which refuses to copy it where it may not, instead of dying of
/// it.
/// </summary>
public sealed unsafe partial class GuardedMemoryTests
{
    /// <summary>Set by <c>tests/guard.sh</c> for the test that must end the process.</summary>
    private const string SelfTest = "BITIS_GUARD_SELF_TEST";

    private static readonly GuardMode[] Modes = OperatingSystem.IsLinux() ? [GuardMode.Start, GuardMode.End] : [];

    [Fact]
    public void Values_of_the_variable_that_mean_nothing_are_refused()
    {
        Assert.Equal(GuardMode.Off, GuardedMemory.Parse(null));
        Assert.Equal(GuardMode.Off, GuardedMemory.Parse(""));
        if (OperatingSystem.IsLinux())
        {
            Assert.Equal(GuardMode.Start, GuardedMemory.Parse("start"));
            Assert.Equal(GuardMode.End, GuardedMemory.Parse("end"));
            Assert.Equal(GuardMode.End, GuardedMemory.Parse(" End "));
        }
        string message = Assert.Throws<BitisException>(() => GuardedMemory.Parse("both")).Message;
        Assert.Contains("BITIS_GUARD=both", message);
        Assert.Contains("start, end", message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(40)]
    [InlineData(4096)]
    [InlineData(100_000)]
    public void A_block_ends_or_begins_where_nobody_may_read(int bytes)
    {
        foreach (GuardMode mode in Modes)
        {
            Assert.True(GuardedMemory.TryAllocate((nuint)bytes, mode, out nint address, out var mapping));
            byte* block = (byte*)address;
            Check(block, bytes, mode);
            Assert.Equal(-1, new ReadOnlySpan<byte>(block, bytes).IndexOfAnyExcept((byte)0));
            new Span<byte>(block, bytes).Fill(1);
            // Whether the block can still be read says nothing: another thread may map the same addresses at once.
            Assert.True(GuardedMemory.Free(mapping));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(1024)]
    [InlineData(30_000)]
    public void So_does_an_array_and_the_page_is_given_back_with_it(int length)
    {
        foreach (GuardMode mode in Modes)
        {
            Assert.True(GuardedMemory.TryAllocateArray(length, zeroed: true, mode, out float[]? array, out int start));
            fixed (float* first = array)
                Check((byte*)(first + start), length * sizeof(float), mode);
            Assert.Equal(-1, array.AsSpan(start, length).IndexOfAnyExcept(0f));
            array.AsSpan(start, length).Fill(1);
            GC.Collect();
            Assert.Equal(-1, array.AsSpan(start, length).IndexOfAnyExcept(1f));
        }
        // The collector reuses the memory of arrays that are gone; a page that stayed closed would end the process
        // here.
        for (int i = 0; i < 200; i++)
        {
            foreach (GuardMode mode in Modes)
                GuardedMemory.TryAllocateArray(length, zeroed: i % 2 == 0, mode, out _, out _);
            if (i % 50 == 0)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }
    }

    [Fact]
    public void Blocks_beyond_the_budget_have_no_page_and_are_counted()
    {
        int collections = 0;
        GuardBudget? budget = null;
        budget = new GuardBudget(8, () =>
        {
            if (++collections == 1)
                budget!.Give(); // one was garbage
        });
        for (int i = 0; i < 9; i++)
            Assert.True(budget.TryTake());
        Assert.Equal((8, 0, 1), (budget.Live, budget.Unguarded, collections));
        for (int i = 0; i < 5; i++)
            Assert.False(budget.TryTake());
        Assert.Equal((8, 5), (budget.Live, budget.Unguarded));
        Assert.InRange(collections, 2, 4); // not for each of them
        budget.Give();
        Assert.True(budget.TryTake());
        Assert.False(budget.TryTake());
    }

    [Fact]
    public void Tensors_and_native_blocks_are_guarded_as_the_variable_says()
    {
        if (GuardedMemory.Mode == GuardMode.Off)
            return;
        var tensor = new FloatTensor([3, 5]);
        Check((byte*)tensor.Pointer, tensor.Length * sizeof(float), GuardedMemory.Mode);
        using var buffer = new NativeBuffer<short>(21);
        Check((byte*)buffer.Pointer, 21 * sizeof(short), GuardedMemory.Mode);
        GC.KeepAlive(tensor);
    }

    [Fact]
    public void A_read_beyond_a_tensor_ends_the_process()
    {
        if (Environment.GetEnvironmentVariable(SelfTest) is null)
            return;
        var tensor = new FloatTensor([3, 5]);
        Assert.Fail($"{tensor.Pointer[GuardedMemory.Mode == GuardMode.Start ? -1 : tensor.Length]} was read");
    }

    private static void Check(byte* block, int bytes, GuardMode mode)
    {
        Assert.False(CanRead(mode == GuardMode.Start ? block - 1 : block + bytes));
        if (bytes > 0)
            Assert.True(CanRead(block) && CanRead(block + bytes - 1));
    }

    private static bool CanRead(byte* address)
    {
        using FileStream file = new(
            Path.GetTempFileName(), FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 0,
            FileOptions.DeleteOnClose);
        return Write((int)file.SafeFileHandle.DangerousGetHandle(), address, 1) == 1;
    }

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(int file, byte* source, nuint count);
}
