using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Elementwise;

/// <summary>Operations on one element of one value or two. A thread has an element of the output.</summary>
/// <remarks>
/// They are for what no other kernel computes on its way: sums before a convolution, gates behind a norm, orders that
/// no scan reads, and levels of a value that others read as floats.
/// </remarks>
internal static class ElementKernels
{
    private const int Threads = 256;

    /// <summary>The ways to compute the operation.</summary>
    public static GpuKernelTable<ElementShape> Table { get; } = new(new GpuKernelRow<ElementShape>(
        "elements", PtxTarget.Sm80.Capability, _ => true, Emit,
        (shape, images) => new GpuGrid(((shape.Rows * shape.Columns) + Threads - 1) / Threads, images)));

    private static PtxKernel Emit(ElementShape shape, PtxTarget target)
    {
        string form = (shape.A.IsHalf ? "h" : "f") + (shape.B is null ? "" : shape.B.IsHalf ? "h" : "f")
            + (shape.Levels is not null ? "_to_levels" : shape.WritesHalves ? "_to_halves" : "");
        var w = new PtxWriter(
            $"{shape.Operation}_{shape.Rows}x{shape.Columns}_{form}".ToLowerInvariant(), Threads);
        Source a = ReadParameters(w, shape.A);
        Source? b = shape.B is null ? null : ReadParameters(w, shape.B);
        Register? angles = shape.Operation == ElementOperation.Rotate ? w.Parameter(ParameterKind.Pointer) : null;
        Register output = w.Parameter(ParameterKind.Pointer), image = w.Special("ctaid.y");
        LevelWriter? levels = shape.Levels is null ? null : new LevelWriter(w, shape.Levels);
        Register index = w.MultiplyAdd(w.Special("ctaid.x"), Threads, w.Special("tid.x"));
        Register isInside = w.Less(index, shape.Rows * shape.Columns);
        (Register row, Register column) = w.Divide(index, shape.Columns);
        Register x = Read(w, a, image, row, column, isInside);
        Register? y = b is null ? null : Read(w, b, image, row, column, isInside);
        Register value = angles is { } table
            ? Rotate(w, shape, table, index, isInside, x, Read(w, a, image, row, w.Xor(column, 1), isInside))
            : Compute(w, shape, x, y);
        Register place = w.MultiplyAdd(w.MultiplyAdd(image, shape.Rows, row), shape.OutputStride, column);
        if (levels is not null)
        {
            Register level = levels.Level(value, levels.ReadRow(row, isInside), levels.ReadFactor(column, isInside));
            w.DoIf(isInside, "st.global.u8", Operand.At(w.Address(output, place, 1)), level);
        }
        else
        {
            int bytes = shape.WritesHalves ? sizeof(ushort) : sizeof(float);
            w.Store(isInside, Operand.At(w.Address(output, place, bytes)), value, shape.WritesHalves);
        }
        return w.Finish(target);
    }

    private static Source ReadParameters(PtxWriter w, ElementTerm term) => new(
        term, w.Parameter(ParameterKind.Pointer), term.HasMap ? w.Parameter(ParameterKind.Pointer) : null);

    private static Register Read(
        PtxWriter w, Source source, Register image, Register row, Register column, Register isInside)
    {
        Register value = w.Float(0);
        if (source.Map is { } map)
        {
            Register mapped = w.Integer(-1);
            w.DoIf(isInside, "ld.global.nc.b32", mapped, Operand.At(w.Address(map, row, sizeof(int))));
            isInside = w.Less(w.Integer(-1), mapped);
            row = mapped;
        }
        Register place = w.MultiplyAdd(w.MultiplyAdd(image, source.Term.Rows, row), source.Term.Stride, column);
        Operand address = Operand.At(
            w.Address(source.Pointer, place, source.Term.IsHalf ? sizeof(ushort) : sizeof(float)));
        w.Load(isInside, "ld.global", value, address, source.Term.IsHalf);
        return value;
    }

    private static Register Compute(PtxWriter w, ElementShape shape, Register a, Register? b) => shape.Operation switch
    {
        ElementOperation.Scale => w.Multiply(a, shape.Factor),
        ElementOperation.Relu => w.Max(a, 0f),
        ElementOperation.Gelu => w.Gelu(a),
        ElementOperation.Silu => w.Silu(a),
        ElementOperation.Sigmoid => w.Sigmoid(a),
        ElementOperation.Add => w.Add(a, b!.Value),
        ElementOperation.Multiply => w.Multiply(a, b!.Value),
        ElementOperation.Gate => w.Multiply(
            shape.Factor == 1 ? a : w.Multiply(a, shape.Factor), w.Silu(b!.Value)),
        _ => a,
    };

    private static Register Rotate(
        PtxWriter w, ElementShape shape, Register angles, Register index, Register isInside, Register a, Register other)
    {
        Register cosine = w.Float(0), sine = w.Float(0), place = w.Address(angles, index, sizeof(float));
        w.DoIf(isInside, "ld.global.nc.f32", cosine, Operand.At(place));
        w.DoIf(isInside, "ld.global.nc.f32", sine, Operand.At(place, shape.Rows * shape.Columns * sizeof(float)));
        return w.Add(w.Multiply(a, cosine), w.Multiply(other, sine));
    }

    /// <summary>Where the elements of a value are.</summary>
    private sealed record Source(ElementTerm Term, Register Pointer, Register? Map);
}
