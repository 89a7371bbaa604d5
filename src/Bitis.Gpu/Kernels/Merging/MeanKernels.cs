using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Merging;

/// <summary>The mean over the tokens of an image, of themselves or of their layer norms.</summary>
/// <remarks>
/// <code>
///   mean[c] = 1/L·Σ_t x[t, c]        or        weight[c]·(1/L·Σ_t (x[t, c] − m[t])/σ[t]) + bias[c]
///
///   a block: one image        warp v: tokens v, v + 8, ...       lane l: channels l, l + 32, ... in registers
///   then all warps' sums meet in shared memory, and warp 0 adds them up in their order
/// </code>
/// </remarks>
internal static class MeanKernels
{
    private const int WarpsOfBlock = 8;

    /// <summary>The most channels whose sums fit the registers of a warp.</summary>
    private const int MaxChannels = 48 * PtxWriter.WarpSize;

    /// <summary>The ways to compute a mean.</summary>
    public static GpuKernelTable<MeanShape> Table { get; } = new(new GpuKernelRow<MeanShape>(
        "mean-tokens-over-warps",
        PtxTarget.Sm80.Capability,
        shape => shape.Tokens > 0 && shape.Channels is > 0 and <= MaxChannels,
        Emit,
        (_, images) => new GpuGrid(images)));

    private static PtxKernel Emit(MeanShape shape, PtxTarget target)
    {
        var w = new PtxWriter(
            $"mean{(shape.Epsilon is null ? "" : "_of_norms")}_{shape.Tokens}x{shape.Channels}"
                + (shape.ReadsHalves ? "_halves" : "")
                + (shape.Levels is not null ? "_to_levels" : shape.WritesHalves ? "_to_halves" : ""),
            WarpsOfBlock * PtxWriter.WarpSize);
        Register input = w.Parameter(ParameterKind.Pointer), output = w.Parameter(ParameterKind.Pointer);
        Register? weight = shape.Epsilon is null ? null : w.Parameter(ParameterKind.Pointer);
        Register? bias = shape.Epsilon is null ? null : w.Parameter(ParameterKind.Pointer);
        LevelWriter? levels = shape.Levels is null ? null : new LevelWriter(w, shape.Levels);
        Register thread = w.Special("tid.x"), lane = w.And(thread, PtxWriter.WarpSize - 1);
        Register warp = w.ShiftRight(thread, 5), image = w.Special("ctaid.x");
        int count = (shape.Channels + PtxWriter.WarpSize - 1) / PtxWriter.WarpSize;
        int bytes = shape.ReadsHalves ? sizeof(ushort) : sizeof(float);
        Register[] sums = [.. Enumerable.Range(0, count).Select(_ => w.Float(0))];
        Register[] isChannel = [.. Enumerable.Range(0, count).Select(
            i => w.Less(lane, shape.Channels - (i * PtxWriter.WarpSize)))];
        Register token = w.Add(warp, 0);
        w.Loop(token, shape.Tokens, WarpsOfBlock, () =>
        {
            Register row = w.MultiplyAdd(image, shape.Tokens, token);
            Register source = w.Address(input, w.MultiplyAdd(row, shape.InputStride, lane), bytes);
            var x = new Register[count];
            for (int i = 0; i < count; i++)
            {
                x[i] = w.Float(0);
                Operand place = Operand.At(source, i * PtxWriter.WarpSize * bytes);
                w.Load(isChannel[i], "ld.global.nc", x[i], place, shape.ReadsHalves);
            }
            if (shape.Epsilon is { } epsilon)
                x = Normalize(w, x, isChannel[^1], shape.Channels, epsilon);
            for (int i = 0; i < count; i++)
                w.Do("add.rn.f32", sums[i], sums[i], x[i]);
        });

        int lineBytes = count * PtxWriter.WarpSize * sizeof(float);
        Register memory = w.Add(w.SharedBase(), w.Reserve(WarpsOfBlock * lineBytes));
        Register own = w.Add(memory, w.ShiftLeft(lane, 2)), line = w.MultiplyAdd(warp, lineBytes, own);
        for (int i = 0; i < count; i++)
            w.Do("st.shared.f32", Operand.At(line, i * PtxWriter.WarpSize * sizeof(float)), sums[i]);
        w.Barrier();
        w.IfUniform(w.AreEqual(warp, 0), () =>
        {
            for (int i = 0; i < count; i++)
            {
                Register sum = sums[i];
                for (int other = 1; other < WarpsOfBlock; other++)
                {
                    int offset = (other * lineBytes) + (i * PtxWriter.WarpSize * sizeof(float));
                    sum = w.Add(sum, w.Emit(RegisterKind.Float, "ld.shared.f32", Operand.At(own, offset)));
                }
                Register channel = w.Add(lane, i * PtxWriter.WarpSize);
                Register mean = w.Multiply(sum, 1f / shape.Tokens);
                if (weight is { } factors && bias is { } shifts)
                {
                    Register factor = Read(w, factors, channel, isChannel[i]);
                    mean = w.MultiplyAdd(mean, factor, Read(w, shifts, channel, isChannel[i]));
                }
                Store(channel, isChannel[i], mean);
            }
        });
        return w.Finish(target);

        void Store(Register channel, Register isInside, Register mean)
        {
            Register place = w.MultiplyAdd(image, shape.OutputStride, channel);
            if (levels is null)
            {
                int size = shape.WritesHalves ? sizeof(ushort) : sizeof(float);
                w.Store(isInside, Operand.At(w.Address(output, place, size)), mean, shape.WritesHalves);
                return;
            }
            Register level = levels.Level(
                mean, levels.ReadRow(w.Integer(0)), levels.ReadFactor(channel, isInside));
            w.DoIf(isInside, "st.global.u8", Operand.At(w.Address(output, place, 1)), level);
        }
    }

    /// <summary>A token less its mean, over its deviation.</summary>
    private static Register[] Normalize(
        PtxWriter w, Register[] x, Register hasLast, int channels, float epsilon)
    {
        Register sum = w.Float(0), square = w.Float(0);
        foreach (Register value in x)
            sum = w.Add(sum, value);
        Register mean = w.Multiply(w.SumOverLanes(sum), 1f / channels);
        x = [.. x.Select(value => w.Subtract(value, mean))];
        // Lanes without a last channel hold 0 − mean there, which must not count.
        x[^1] = w.Emit(RegisterKind.Float, "selp.f32", x[^1], 0f, hasLast);
        foreach (Register value in x)
            square = w.MultiplyAdd(value, value, square);
        Register variance = w.Multiply(w.SumOverLanes(square), 1f / channels);
        Register factor = w.Emit(RegisterKind.Float, "rsqrt.approx.ftz.f32", w.Add(variance, epsilon));
        return [.. x.Select(value => w.Multiply(value, factor))];
    }

    private static Register Read(PtxWriter w, Register pointer, Register index, Register isInside)
    {
        Register value = w.Float(0);
        w.DoIf(isInside, "ld.global.nc.f32", value, Operand.At(w.Address(pointer, index, sizeof(float))));
        return value;
    }
}
