using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Merging;

/// <summary>The sum of directions, each with a gate for every channel: y[t] = Σₖ g[k]·xₖ[t].</summary>
/// <remarks>
/// A thread has one or two elements of the output. The sum runs as on the CPU, with one rounding for a term.
/// </remarks>
internal static class GatedSumKernels
{
    private const int Threads = 256;

    /// <summary>The ways to compute the sum: (gates, terms..., output, parameters of levels).</summary>
    public static GpuKernelTable<GatedSumShape> Table { get; } = new(new GpuKernelRow<GatedSumShape>(
        "gated-sum", PtxTarget.Sm80.Capability, Fits, Emit,
        (shape, images) => new GpuGrid(
            ((shape.Rows * shape.Columns / shape.AtOnce) + Threads - 1) / Threads, images)));

    /// <summary>A launch.</summary>
    /// <param name="function">The kernel, ready.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="images">How many images there are.</param>
    /// <param name="gates">The gates, a row for each term.</param>
    /// <param name="terms">The directions.</param>
    /// <param name="output">The output.</param>
    /// <param name="levels">Of written levels: their parameters, for each row of an image.</param>
    public static GpuLaunch Launch(
        GpuFunction function, GatedSumShape shape, int images, GpuArgument gates, IReadOnlyList<GpuArgument> terms,
        GpuArgument output, LevelOperands? levels)
    {
        List<GpuArgument> arguments = [gates, .. terms, output];
        LevelOperands.AddTo(arguments, shape.Levels, levels);
        return new GpuLaunch(function, Table.Rows[0].Grid(shape, images), [.. arguments]);
    }

    private static bool Fits(GatedSumShape shape) => shape.Terms > 0 && shape.Columns % shape.AtOnce == 0
        && shape.TermStride % shape.AtOnce == 0 && shape.GateStride % shape.AtOnce == 0
        && shape.OutputStride % shape.AtOnce == 0;

    private static PtxKernel Emit(GatedSumShape shape, PtxTarget target)
    {
        var w = new PtxWriter(
            $"gated_sum_{shape.Terms}_{shape.Rows}x{shape.Columns}" + (shape.ReadsHalves ? "_halves" : "")
                + (shape.Levels is not null ? "_to_levels" : ""),
            Threads);
        Register gates = w.Parameter(ParameterKind.Pointer);
        Register[] terms = [.. Enumerable.Range(0, shape.Terms).Select(_ => w.Parameter(ParameterKind.Pointer))];
        Register output = w.Parameter(ParameterKind.Pointer), image = w.Special("ctaid.y");
        LevelWriter? levels = shape.Levels is null ? null : new LevelWriter(w, shape.Levels);
        Register vector = w.MultiplyAdd(w.Special("ctaid.x"), Threads, w.Special("tid.x"));
        Register isInside = w.Less(vector, shape.Rows * shape.Columns / shape.AtOnce);
        (Register row, Register column) = w.Divide(
            shape.AtOnce == 1 ? vector : w.Multiply(vector, shape.AtOnce), shape.Columns);
        Register global = w.MultiplyAdd(image, shape.Rows, row);
        Register[] sums = [];
        for (int k = 0; k < terms.Length; k++)
        {
            Register ofGate = w.MultiplyAdd(image, shape.Terms, w.Integer(k));
            Register[] gate = Read(
                gates, w.MultiplyAdd(ofGate, shape.GateStride, column), shape.GatesAreHalves);
            Register[] x = Read(terms[k], w.MultiplyAdd(global, shape.TermStride, column), shape.ReadsHalves);
            sums = k == 0
                ? [.. x.Zip(gate, (value, factor) => w.Multiply(value, factor))]
                : [.. x.Select((value, i) => w.MultiplyAdd(value, gate[i], sums[i]))];
        }
        Register place = w.MultiplyAdd(global, shape.OutputStride, column);
        if (levels is not null)
        {
            LevelWriter.Row ofRow = levels.ReadRow(row, isInside);
            sums = [.. sums.Select((sum, i) => levels.Level(
                sum, ofRow, levels.ReadFactor(i == 0 ? column : w.Add(column, i), isInside)))];
            w.StoreLevels(isInside, Operand.At(w.Address(output, place, 1)), sums);
        }
        else
        {
            int bytes = shape.WritesHalves ? sizeof(ushort) : sizeof(float);
            w.StoreVector(isInside, Operand.At(w.Address(output, place, bytes)), sums, shape.WritesHalves);
        }
        return w.Finish(target);

        Register[] Read(Register pointer, Register index, bool areHalves)
        {
            Register[] values = [.. Enumerable.Range(0, shape.AtOnce).Select(_ => w.Float(0))];
            Operand from = Operand.At(w.Address(pointer, index, areHalves ? sizeof(ushort) : sizeof(float)));
            w.LoadVector(isInside, "ld.global.nc", values, from, areHalves);
            return values;
        }
    }
}
