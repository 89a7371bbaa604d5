using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Merging;

/// <summary>The sum of directions, each with a gate for every channel: y[t] = Σₖ g[k]·xₖ[t].</summary>
/// <remarks>A thread has an element of the output. The sum runs as on the CPU, with one rounding for a term.</remarks>
internal static class GatedSumKernels
{
    private const int Threads = 256;

    /// <summary>The ways to compute the sum: (gates, terms..., output, parameters of levels).</summary>
    public static GpuKernelTable<GatedSumShape> Table { get; } = new(new GpuKernelRow<GatedSumShape>(
        "gated-sum", PtxTarget.Sm80.Capability, shape => shape.Terms > 0, Emit,
        (shape, images) => new GpuGrid(((shape.Rows * shape.Columns) + Threads - 1) / Threads, images)));

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
        Register index = w.MultiplyAdd(w.Special("ctaid.x"), Threads, w.Special("tid.x"));
        Register isInside = w.Less(index, shape.Rows * shape.Columns);
        (Register row, Register column) = w.Divide(index, shape.Columns);
        Register global = w.MultiplyAdd(image, shape.Rows, row), sum = w.Float(0);
        for (int k = 0; k < terms.Length; k++)
        {
            Register ofGate = w.MultiplyAdd(image, shape.Terms, w.Integer(k));
            Register gate = Read(
                w, gates, w.MultiplyAdd(ofGate, shape.GateStride, column), isInside, shape.GatesAreHalves);
            Register x = Read(
                w, terms[k], w.MultiplyAdd(global, shape.TermStride, column), isInside, shape.ReadsHalves);
            sum = k == 0 ? w.Multiply(x, gate) : w.MultiplyAdd(x, gate, sum);
        }
        Register place = w.MultiplyAdd(global, shape.OutputStride, column);
        if (levels is not null)
        {
            Register level = levels.Level(sum, levels.ReadRow(row, isInside), levels.ReadFactor(column, isInside));
            w.DoIf(isInside, "st.global.u8", Operand.At(w.Address(output, place, 1)), level);
        }
        else
        {
            int bytes = shape.WritesHalves ? sizeof(ushort) : sizeof(float);
            w.Store(isInside, Operand.At(w.Address(output, place, bytes)), sum, shape.WritesHalves);
        }
        return w.Finish(target);
    }

    private static Register Read(PtxWriter w, Register pointer, Register index, Register isInside, bool isHalf)
    {
        Register value = w.Float(0);
        Operand place = Operand.At(w.Address(pointer, index, isHalf ? sizeof(ushort) : sizeof(float)));
        w.Load(isInside, "ld.global.nc", value, place, isHalf);
        return value;
    }
}
