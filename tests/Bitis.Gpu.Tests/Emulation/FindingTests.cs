using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Tests.Emulation;

/// <summary>The interpreter finds defects that a GPU may hide.</summary>
public sealed class FindingTests
{
    private const int Words = 64;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Warps_exchange_values_only_across_a_barrier(bool hasBarrier)
    {
        Assert.Equal(hasBarrier ? null : FindingKind.Race, FindingOf(Words, (w, pointer) =>
        {
            StoreOwn(w);
            if (hasBarrier)
                w.Barrier();
            StoreTo(w, pointer, LoadShared(w, w.Xor(w.Special("tid.x"), 32)));
        }));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Lanes_exchange_values_only_across_a_barrier_of_their_warp(bool hasBarrier)
    {
        Assert.Equal(hasBarrier ? null : FindingKind.Race, FindingOf(Words, (w, pointer) =>
        {
            StoreOwn(w);
            if (hasBarrier)
                w.Do("bar.warp.sync", -1);
            StoreTo(w, pointer, LoadShared(w, w.Xor(w.Special("tid.x"), 1)));
        }));
    }

    [Fact]
    public void A_barrier_of_a_warp_does_not_order_others() =>
        Assert.Equal(FindingKind.Race, FindingOf(Words, (w, pointer) =>
        {
            StoreOwn(w);
            w.Do("bar.warp.sync", -1);
            StoreTo(w, pointer, LoadShared(w, w.Xor(w.Special("tid.x"), 32)));
        }));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Memory_that_others_read_is_overwritten_after_a_barrier(bool hasBarrier)
    {
        Assert.Equal(hasBarrier ? null : FindingKind.Race, FindingOf(Words, (w, pointer) =>
        {
            StoreOwn(w);
            w.Barrier();
            StoreTo(w, pointer, LoadShared(w, w.Xor(w.Special("tid.x"), 32)));
            if (hasBarrier)
                w.Barrier();
            StoreShared(w, w.Special("tid.x"));
        }));
    }

    [Fact]
    public void Threads_do_not_write_the_same_byte() =>
        Assert.Equal(FindingKind.Race, FindingOf(Words, (w, _) =>
        {
            w.Reserve(4);
            StoreShared(w, w.Integer(0));
        }));

    [Theory]
    [InlineData(0, true, null)]
    [InlineData(0, false, FindingKind.Race)]
    [InlineData(1, true, FindingKind.CopyInFlight)]
    public void Copies_are_waited_for_and_then_shared(int groupsLeft, bool hasBarrier, FindingKind? finding)
    {
        int[] values = [.. Enumerable.Range(0, 4 * Words)];
        Assert.Equal(finding, FindingOf(4 * Words, (w, pointer) =>
        {
            Register thread = w.Special("tid.x"), source = w.Address(pointer, thread, 16);
            int place = w.Reserve(16 * Words);
            Register target = w.MultiplyAdd(thread, 16, w.Add(w.SharedBase(), place));
            Register zero = w.Integer(0);
            w.Do("st.shared.v4.b32", Operand.At(target), Operand.Vector(zero, zero, zero, zero));
            w.Barrier();
            w.Do("cp.async.cg.shared.global", Operand.At(target), Operand.At(source), 16);
            w.Do("cp.async.commit_group");
            w.Do("cp.async.wait_group", groupsLeft);
            if (hasBarrier)
                w.Barrier();
            Register other = w.MultiplyAdd(w.Xor(thread, 33), 16, w.Add(w.SharedBase(), place));
            _ = w.Emit(RegisterKind.Word, "ld.shared.b32", Operand.At(other));
        }, values));
    }

    [Fact]
    public void Copies_fill_up_with_zeros()
    {
        int[] result = KernelRun.Words(4, 32, (w, pointer) =>
        {
            Register target = w.Add(w.SharedBase(), w.Reserve(16));
            Register first = w.AreEqual(w.Special("tid.x"), 0);
            w.DoIf(first, "cp.async.ca.shared.global", Operand.At(target), Operand.At(pointer), 16, w.Integer(8));
            w.Do("cp.async.commit_group");
            w.Do("cp.async.wait_group", 0);
            Register[] words = w.New(RegisterKind.Word, 4);
            w.DoIf(first, "ld.shared.v4.b32", Operand.Vector(words), Operand.At(target));
            w.DoIf(first, "st.global.v4.b32", Operand.At(pointer), Operand.Vector(words));
        }, [1, 2, 3, 4]);
        Assert.Equal([1, 2, 0, 0], result);
    }

    [Theory]
    [InlineData(Words * 4, FindingKind.OutOfBounds)]
    [InlineData(-4, FindingKind.OutOfBounds)]
    [InlineData(2, FindingKind.Misaligned)]
    [InlineData(0, null)]
    public void Addresses_of_global_memory_are_checked(int offset, FindingKind? finding) =>
        Assert.Equal(finding, FindingOf(Words, (w, pointer) =>
            _ = w.Emit(RegisterKind.Word, "ld.global.b32", Operand.At(pointer, offset)), new int[Words]));

    [Theory]
    [InlineData(Words * 4, FindingKind.OutOfBounds)]
    [InlineData(-4, FindingKind.OutOfBounds)]
    [InlineData(2, FindingKind.Misaligned)]
    public void Addresses_of_shared_memory_are_checked(int offset, FindingKind finding) =>
        Assert.Equal(finding, FindingOf(Words, (w, _) =>
        {
            Register place = w.Add(w.SharedBase(), w.Reserve(Words * 4));
            _ = w.Emit(RegisterKind.Word, "ld.shared.b32", Operand.At(place, offset));
        }));

    [Fact]
    public void What_nobody_wrote_is_not_read()
    {
        Assert.Equal(FindingKind.Uninitialized, FindingOf(Words, (w, pointer) =>
            _ = w.Emit(RegisterKind.Word, "ld.global.b32", Operand.At(pointer))));
        Assert.Equal(FindingKind.Uninitialized, FindingOf(Words, (w, _) =>
            _ = w.Emit(RegisterKind.Word, "ld.shared.b32", Operand.At(w.Add(w.SharedBase(), w.Reserve(4))))));
        Assert.Equal(FindingKind.Uninitialized, FindingOf(Words, (w, pointer) =>
            StoreTo(w, pointer, w.New(RegisterKind.Word))));
        Assert.Equal(FindingKind.Uninitialized, FindingOf(Words, (w, pointer) =>
        {
            Register value = w.New(RegisterKind.Word);
            w.DoIf(w.Less(w.Special("tid.x"), 63), "mov.b32", value, 1);
            StoreTo(w, pointer, value);
        }));
        Assert.Equal(FindingKind.Uninitialized, FindingOf(Words, (w, _) => w.DoIf(
            w.New(RegisterKind.Predicate), "mov.b32", w.New(RegisterKind.Word), 1)));
        using EmulatedDevice device = KernelRun.Device();
        GpuBuffer buffer = device.Allocate(4);
        Assert.Equal(
            FindingKind.Uninitialized, Assert.Throws<EmulationException>(() => buffer.Read(new byte[4].AsSpan())).Kind);
    }

    [Fact]
    public void Warps_of_a_launch_do_not_talk_through_global_memory()
    {
        Assert.Equal(FindingKind.Race, FindingOf(Words, (w, pointer) =>
        {
            StoreTo(w, pointer, w.Integer(1));
            w.Barrier();
            Register other = w.Address(pointer, w.Xor(w.Special("tid.x"), 32), 4);
            _ = w.Emit(RegisterKind.Word, "ld.global.b32", Operand.At(other));
        }));
        Assert.Equal(FindingKind.Race, FindingOf(Words, (w, pointer) =>
        {
            StoreTo(w, pointer, w.Integer(1));
            _ = w.Emit(RegisterKind.Word, "ld.global.nc.b32", Operand.At(KernelRun.OwnWord(w, pointer)));
        }));
        Assert.Null(FindingOf(Words, (w, pointer) =>
        {
            StoreTo(w, pointer, w.Integer(1));
            _ = w.Emit(RegisterKind.Word, "ld.global.b32", Operand.At(KernelRun.OwnWord(w, pointer)));
        }));
    }

    [Fact]
    public void Threads_of_a_warp_stay_together()
    {
        Assert.Equal(FindingKind.Divergence, FindingOf(Words, (w, _) =>
            w.IfUniform(w.Less(w.Special("tid.x"), 5), () => w.Integer(1))));
        Assert.Equal(FindingKind.Divergence, FindingOf(Words, (w, _) =>
            w.DoIf(w.Less(w.Special("tid.x"), 5), "bar.warp.sync", -1)));
        Assert.Equal(FindingKind.Divergence, FindingOf(Words, (w, _) =>
        {
            Register value = w.Float(1);
            w.DoIf(w.Less(w.Special("laneid"), 5), "shfl.sync.bfly.b32", value, value, 1, 31, -1);
        }));
    }

    [Fact]
    public void All_warps_come_to_a_barrier() =>
        Assert.Equal(FindingKind.Barrier, FindingOf(Words, (w, _) => w.IfUniform(
            w.Less(w.Special("tid.x"), 32), w.Barrier)));

    [Fact]
    public void A_loop_that_never_ends_is_named()
    {
        PtxKernel kernel = KernelRun.Write(32, (w, _) =>
        {
            Register i = w.Integer(0);
            w.Loop(i, 10, step: 1, () => w.Do("bar.warp.sync", -1));
        });
        string counter = kernel.Text.Split('\n').Single(line => line.Contains("add.s32"));
        PtxKernel mutant = kernel with { Text = kernel.Text.Replace(counter, "", StringComparison.Ordinal) };
        int branch = Array.FindLastIndex(mutant.Text.Split('\n'), line => line.Contains("bra")) + 1;
        Assert.Null(Launch(kernel));
        EmulationException finding = Assert.IsType<EmulationException>(Launch(mutant));
        Assert.Equal(FindingKind.Endless, finding.Kind);
        Assert.Contains($"line {branch}, ", finding.Message);
        Assert.Contains($" of {kernel.Name}, block (0, 0), warp 0", finding.Message);

        static Exception? Launch(PtxKernel kernel)
        {
            using var device = new EmulatedDevice(PtxTarget.Sm80) { MaxInstructionsOfWarp = 100 };
            return Record.Exception(
                () => KernelRun.Launch(device, kernel, new GpuGrid(1), device.Allocate(4)));
        }
    }

    [Theory]
    [InlineData("add.s32 %r0, %r0, %f0;")]
    [InlineData("add.rn.f32 %f0, %f0, 1;")]
    [InlineData("add.f32 %f0, %f0, %f0;")]
    [InlineData("mov.b32 %r99, 1;")]
    [InlineData("add.s32 %r0, %r0;")]
    [InlineData("ld.global.f32 %r0, [%d0];")]
    [InlineData("ld.shared.b32 %r0, [%d0];")]
    [InlineData("ld.global.v2.b32 {%r0}, [%d0];")]
    [InlineData("cp.async.cg.shared.global [%r0], [%d0], 8;")]
    [InlineData("bra.uni L99;")]
    [InlineData("nonsense")]
    public void Text_that_is_no_PTX_is_refused(string line)
    {
        PtxKernel kernel = KernelRun.Write(32, (w, _) => w.Add(w.Integer(1), w.Emit(
            RegisterKind.Word, "cvt.rzi.s32.f32", w.Float(1))));
        var broken = kernel with
        {
            Text = kernel.Text.Replace("\tret;", $"\t{line}\n\tret;", StringComparison.Ordinal),
        };
        using EmulatedDevice device = KernelRun.Device();
        device.Load(kernel).Dispose();
        Assert.Equal(FindingKind.Text, Assert.Throws<EmulationException>(() => device.Load(broken)).Kind);
    }

    [Fact]
    public void Launches_fit_the_text()
    {
        PtxKernel kernel = KernelRun.Write(32, (w, _) => w.Barrier());
        using EmulatedDevice device = KernelRun.Device();
        PtxKernel[] wrong =
        [
            kernel with { Threads = 64 },
            kernel with { Parameters = [ParameterKind.Integer] },
            kernel with { Parameters = [ParameterKind.Pointer, ParameterKind.Pointer] },
            kernel with { Name = "other" },
            kernel with { Text = kernel.Text.Replace("sm_80", "sm_90a").Replace("7.0", "8.0") },
        ];
        Assert.All(wrong, k => Assert.Equal(
            FindingKind.Launch, Assert.Throws<EmulationException>(() => device.Load(k)).Kind));
        PtxKernel large = KernelRun.Write(32, (w, _) => w.Reserve(200 << 10));
        Assert.Equal(FindingKind.Launch, Assert.Throws<EmulationException>(
            () => KernelRun.Launch(device, large, new GpuGrid(1), device.Allocate(4))).Kind);
    }

    private static FindingKind? FindingOf(
        int words, Action<PtxWriter, Register> body, ReadOnlySpan<int> initial = default)
    {
        using EmulatedDevice device = KernelRun.Device();
        GpuBuffer buffer = initial.IsEmpty ? device.Allocate(words * sizeof(int)) : device.Upload(initial);
        PtxKernel kernel = KernelRun.Write(Words, body);
        try
        {
            KernelRun.Launch(device, kernel, new GpuGrid(1), buffer);
            return null;
        }
        catch (EmulationException e)
        {
            return e.Kind;
        }
    }

    /// <summary>Each thread writes a word where there was another one before a barrier.</summary>
    private static void StoreOwn(PtxWriter w)
    {
        w.Reserve(Words * 4);
        StoreShared(w, w.Special("tid.x"));
        w.Barrier();
        StoreShared(w, w.Special("tid.x"));
    }

    private static void StoreShared(PtxWriter w, Register word) =>
        w.Do("st.shared.b32", Operand.At(w.MultiplyAdd(word, 4, w.SharedBase())), word);

    private static Register LoadShared(PtxWriter w, Register word) =>
        w.Emit(RegisterKind.Word, "ld.shared.b32", Operand.At(w.MultiplyAdd(word, 4, w.SharedBase())));

    private static void StoreTo(PtxWriter w, Register pointer, Register value) =>
        w.Do("st.global.b32", Operand.At(KernelRun.OwnWord(w, pointer)), value);
}
