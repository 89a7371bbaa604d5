using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Norms;

/// <summary>The norms of rows, with the residual stream before and the quantization behind.</summary>
/// <remarks>
/// A warp has a row. Lane l holds its columns l, l + 32, ... in registers, so the row is read once. Sums over the row
/// are butterflies of shuffles.
/// </remarks>
internal static class NormKernels
{
    private const int WarpsOfBlock = 8;

    /// <summary>The most columns whose values fit the registers of a warp.</summary>
    private const int MaxColumns = 64 * PtxWriter.WarpSize;

    /// <summary>The ways to compute a norm.</summary>
    public static GpuKernelTable<NormShape> Table { get; } = new(new GpuKernelRow<NormShape>(
        "norm-row-in-a-warp",
        PtxTarget.Sm80.Capability,
        shape => shape.Columns is > 0 and <= MaxColumns,
        Emit,
        (_, rows) => new GpuGrid((rows + WarpsOfBlock - 1) / WarpsOfBlock)));

    private static PtxKernel Emit(NormShape shape, PtxTarget target)
    {
        string form = $"{(shape.IsCentered ? "layer" : "rms")}{(shape.UpdatesStream ? "_add" : "")}";
        var w = new PtxWriter(
            $"norm_{form}_{shape.Columns}" + (shape.ReadsHalves ? "_of_halves" : "")
                + (shape.WritesLevels ? "_levels" : shape.WritesHalves ? "_halves" : ""),
            WarpsOfBlock * PtxWriter.WarpSize);
        Register input = w.Parameter(ParameterKind.Pointer), output = w.Parameter(ParameterKind.Pointer);
        Register weight = w.Parameter(ParameterKind.Pointer), rows = w.Parameter(ParameterKind.Integer);
        Register? bias = shape.IsCentered ? w.Parameter(ParameterKind.Pointer) : null;
        Register? stream = shape.UpdatesStream ? w.Parameter(ParameterKind.Pointer) : null;
        Register? inverseScales = shape.WritesLevels ? w.Parameter(ParameterKind.Pointer) : null;
        Register? zeroPoints = shape.WritesLevels ? w.Parameter(ParameterKind.Pointer) : null;
        Register thread = w.Special("tid.x"), lane = w.And(thread, PtxWriter.WarpSize - 1);
        Register row = w.MultiplyAdd(w.Special("ctaid.x"), WarpsOfBlock, w.ShiftRight(thread, 5));
        w.IfUniform(w.Less(row, rows), () =>
        {
            int count = (shape.Columns + PtxWriter.WarpSize - 1) / PtxWriter.WarpSize;
            Register hasLast = w.Less(lane, shape.Columns - ((count - 1) * PtxWriter.WarpSize));
            Register first = w.MultiplyAdd(row, shape.Columns, lane);
            Register source = w.MultiplyAdd(row, shape.InputStride, lane);
            Register[] x = Read(
                w, w.Address(input, source, shape.ReadsHalves ? sizeof(ushort) : sizeof(float)), count, hasLast,
                "ld.global", shape.ReadsHalves);
            if (stream is { } sums)
                x = Update(w, w.Address(sums, first, sizeof(float)), x, hasLast);
            Register[] y = Normalize(w, shape, x, hasLast);
            Register columns = w.Address(weight, lane, sizeof(float));
            y = Each(y, Read(w, columns, count, hasLast, "ld.global.nc"), (a, b) => w.Multiply(a, b));
            if (bias is { } shift)
            {
                Register place = w.Address(shift, lane, sizeof(float));
                y = Each(y, Read(w, place, count, hasLast, "ld.global.nc"), (a, b) => w.Add(a, b));
            }
            Register start = w.MultiplyAdd(row, shape.OutputStride, lane);
            if (inverseScales is { } scales && zeroPoints is { } zeros)
            {
                Register scale = w.LoadConstant(w.Address(scales, row, sizeof(float)));
                Register zero = w.LoadConstant(w.Address(zeros, row, sizeof(float)));
                y = [.. y.Select(value => w.Quantize(value, scale, zero, shape.MaxLevel))];
                Write(w, w.Address(output, start, 1), y, hasLast, "st.global.u8", 1);
            }
            else if (shape.WritesHalves)
            {
                y = [.. y.Select(value => w.Emit(RegisterKind.Half, "cvt.rn.f16.f32", value))];
                Write(w, w.Address(output, start, sizeof(ushort)), y, hasLast, "st.global.b16", sizeof(ushort));
            }
            else
            {
                Write(w, w.Address(output, start, sizeof(float)), y, hasLast, "st.global.f32", sizeof(float));
            }
        });
        return w.Finish(target);
    }

    private static Register[] Normalize(PtxWriter w, NormShape shape, Register[] x, Register hasLast)
    {
        if (shape.IsCentered)
        {
            Register mean = w.Multiply(w.SumOverLanes(Sum(w, x, squares: false)), 1f / shape.Columns);
            x = [.. x.Select(value => w.Subtract(value, mean))];
            // Lanes without a last column hold 0 − mean there, which must not count.
            x[^1] = w.Emit(RegisterKind.Float, "selp.f32", x[^1], 0f, hasLast);
        }
        Register square = w.Multiply(w.SumOverLanes(Sum(w, x, squares: true)), 1f / shape.Columns);
        Register factor = w.Emit(RegisterKind.Float, "rsqrt.approx.ftz.f32", w.Add(square, shape.Epsilon));
        return [.. x.Select(value => w.Multiply(value, factor))];
    }

    private static Register Sum(PtxWriter w, Register[] values, bool squares)
    {
        Register sum = w.Float(0);
        foreach (Register value in values)
            sum = squares ? w.MultiplyAdd(value, value, sum) : w.Add(sum, value);
        return sum;
    }

    private static Register[] Update(PtxWriter w, Register place, Register[] x, Register hasLast)
    {
        x = Each(Read(w, place, x.Length, hasLast, "ld.global"), x, (a, b) => w.Add(a, b));
        Write(w, place, x, hasLast, "st.global.f32", sizeof(float));
        return x;
    }

    private static Register[] Read(
        PtxWriter w, Register place, int count, Register hasLast, string load, bool areHalves = false)
    {
        int bytes = areHalves ? sizeof(ushort) : sizeof(float);
        Register[] values = [.. Enumerable.Range(0, count).Select(_ => w.Float(0))];
        for (int i = 0; i < count; i++)
        {
            Operand source = Operand.At(place, i * PtxWriter.WarpSize * bytes);
            w.Load(i < count - 1 ? null : hasLast, load, values[i], source, areHalves);
        }
        return values;
    }

    private static void Write(
        PtxWriter w, Register place, Register[] values, Register hasLast, string store, int bytes)
    {
        for (int i = 0; i < values.Length; i++)
        {
            Operand target = Operand.At(place, i * PtxWriter.WarpSize * bytes);
            if (i < values.Length - 1)
                w.Do(store, target, values[i]);
            else
                w.DoIf(hasLast, store, target, values[i]);
        }
    }

    private static Register[] Each(Register[] a, Register[] b, Func<Register, Register, Register> function) =>
        [.. a.Zip(b, function)];
}
