using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Norms;

/// <summary>The norms of rows, with the sum before (the residual stream, say) and the quantization behind.</summary>
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
        string form = (shape.IsCentered ? "layer" : "rms") + (shape.WritesSum ? "_add" : "");
        var w = new PtxWriter(
            $"norm_{form}_{shape.Columns}" + (shape.Terms.Count > 1 ? $"_of_{shape.Terms.Count}" : "")
                + (shape.Terms.Any(term => term.IsHalf) ? "_halves" : "")
                + (shape.Levels is not null ? "_to_levels" : shape.WritesHalves ? "_to_halves" : ""),
            WarpsOfBlock * PtxWriter.WarpSize);
        Register[] terms = [.. shape.Terms.Select(_ => w.Parameter(ParameterKind.Pointer))];
        Register output = w.Parameter(ParameterKind.Pointer), weight = w.Parameter(ParameterKind.Pointer);
        Register rows = w.Parameter(ParameterKind.Integer);
        Register? bias = shape.IsCentered ? w.Parameter(ParameterKind.Pointer) : null;
        Register? sums = shape.WritesSum ? w.Parameter(ParameterKind.Pointer) : null;
        LevelWriter? levels = shape.Levels is null ? null : new LevelWriter(w, shape.Levels);
        Register thread = w.Special("tid.x"), lane = w.And(thread, PtxWriter.WarpSize - 1);
        Register row = w.MultiplyAdd(w.Special("ctaid.x"), WarpsOfBlock, w.ShiftRight(thread, 5));
        w.IfUniform(w.Less(row, rows), () =>
        {
            int count = (shape.Columns + PtxWriter.WarpSize - 1) / PtxWriter.WarpSize;
            Register hasLast = w.Less(lane, shape.Columns - ((count - 1) * PtxWriter.WarpSize));
            Register[] x = SumOfTerms(w, [.. shape.Terms.Zip(terms, (term, pointer) => Read(
                w,
                w.Address(pointer, w.MultiplyAdd(row, term.Stride, lane), term.IsHalf ? sizeof(ushort) : sizeof(float)),
                count, hasLast, "ld.global", term.IsHalf))]);
            if (sums is { } stream)
            {
                Register place = w.Address(stream, w.MultiplyAdd(row, shape.Columns, lane), sizeof(float));
                Write(w, place, x, hasLast, "st.global.f32", sizeof(float));
            }
            Register[] y = Normalize(w, shape, x, hasLast);
            y = Each(y, ReadColumns(weight), (a, b) => w.Multiply(a, b));
            if (bias is { } shift)
                y = Each(y, ReadColumns(shift), (a, b) => w.Add(a, b));
            Register start = w.MultiplyAdd(row, shape.OutputStride, lane);
            if (levels is not null)
            {
                LevelWriter.Row ofRow = levels.ReadRow(row);
                Register[]? factors = levels.Factors is { } pointer ? ReadColumns(pointer) : null;
                y = [.. y.Select((value, i) => levels.Level(value, ofRow, factors?[i]))];
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

            Register[] ReadColumns(Register pointer) =>
                Read(w, w.Address(pointer, lane, sizeof(float)), count, hasLast, "ld.global.nc");
        });
        return w.Finish(target);
    }

    /// <summary>The sum of all terms, by halves: of four, (a + b) + (c + d).</summary>
    private static Register[] SumOfTerms(PtxWriter w, Register[][] terms)
    {
        if (terms.Length == 1)
            return terms[0];
        int half = (terms.Length + 1) / 2;
        return Each(SumOfTerms(w, terms[..half]), SumOfTerms(w, terms[half..]), (a, b) => w.Add(a, b));
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
