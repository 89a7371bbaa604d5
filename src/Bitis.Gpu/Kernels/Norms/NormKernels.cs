using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Norms;

/// <summary>The norms of rows, with the sum before (the residual stream, say) and the quantization behind.</summary>
/// <remarks>
/// A warp has a row, which it reads once and holds in registers. With vectors of v values, lane l has columns v·l to
/// v·l + v − 1 of each 32·v columns. Sums over the row are butterflies of shuffles.
/// <code>
///   v = 2     lane    0    1    2         31    0    1
///             column  0 1  2 3  4 5  ...  62 63 64 65 ...
/// </code>
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
            RowInWarp columns = new(w, shape.Columns, shape.AtOnce, lane);
            Register[] x = SumOfTerms(w, [.. shape.Terms.Zip(terms, (term, pointer) => columns.Read(
                "ld.global", pointer, w.Multiply(row, term.Stride), term.IsHalf))]);
            if (sums is { } stream)
                columns.Write(stream, w.Multiply(row, shape.Columns), x, areHalves: false);
            Register[] y = Normalize(w, shape, x, columns);
            y = Each(y, ReadColumns(weight), (a, b) => w.Multiply(a, b));
            if (bias is { } shift)
                y = Each(y, ReadColumns(shift), (a, b) => w.Add(a, b));
            Register start = w.Multiply(row, shape.OutputStride);
            if (levels is null)
            {
                columns.Write(output, start, y, shape.WritesHalves);
                return;
            }
            LevelWriter.Row ofRow = levels.ReadRow(row);
            Register[]? factors = levels.Factors is { } pointer ? ReadColumns(pointer) : null;
            columns.WriteLevels(output, start, [.. y.Select((value, i) => levels.Level(value, ofRow, factors?[i]))]);

            Register[] ReadColumns(Register pointer) =>
                columns.Read("ld.global.nc", pointer, w.Integer(0), areHalves: false);
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

    private static Register[] Normalize(PtxWriter w, NormShape shape, Register[] x, RowInWarp columns)
    {
        if (shape.IsCentered)
        {
            Register mean = w.Multiply(w.SumOverLanes(Sum(w, x, squares: false)), 1f / shape.Columns);
            // Lanes without a column hold 0 − mean there, which must not count.
            x = columns.Clear([.. x.Select(value => w.Subtract(value, mean))]);
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

    private static Register[] Each(Register[] a, Register[] b, Func<Register, Register, Register> function) =>
        [.. a.Zip(b, function)];
}
