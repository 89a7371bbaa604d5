using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Elementwise;

/// <summary>Operations on one element of one value or two. A thread has one or two elements of the output.</summary>
/// <remarks>
/// They are for what no other kernel computes on its way: sums before a convolution, gates behind a norm, orders that
/// no scan reads, and levels of a value that others read as floats.
/// </remarks>
internal static class ElementKernels
{
    private const int Threads = 256;

    /// <summary>The ways to compute the operation.</summary>
    public static GpuKernelTable<ElementShape> Table { get; } = new(new GpuKernelRow<ElementShape>(
        "elements", PtxTarget.Sm80.Capability, Fits, Emit,
        (shape, images) => new GpuGrid(
            ((shape.Rows * shape.Columns / shape.AtOnce) + Threads - 1) / Threads, images)));

    private static bool Fits(ElementShape shape) => shape.AtOnce == 1 || (shape.Columns % shape.AtOnce == 0
        && shape.OutputStride % shape.AtOnce == 0 && shape.A.Stride % shape.AtOnce == 0
        && (shape.B is null || shape.B.Stride % shape.AtOnce == 0));

    private static PtxKernel Emit(ElementShape shape, PtxTarget target)
    {
        string form = (shape.A.IsHalf ? "h" : "f") + (shape.B is null ? "" : shape.B.IsHalf ? "h" : "f")
            + (shape.Levels is not null ? "_to_levels" : shape.WritesHalves ? "_to_halves" : "");
        var w = new PtxWriter(
            $"{shape.Operation}_{shape.Rows}x{shape.Columns}_{form}".ToLowerInvariant(), Threads)
        {
            HasFastFunctions = shape.A.IsHalf,
        };
        Source a = ReadParameters(w, shape.A);
        Source? b = shape.B is null ? null : ReadParameters(w, shape.B);
        Register? angles = shape.Operation == ElementOperation.Rotate ? w.Parameter(ParameterKind.Pointer) : null;
        Register output = w.Parameter(ParameterKind.Pointer), image = w.Special("ctaid.y");
        LevelWriter? levels = shape.Levels is null ? null : new LevelWriter(w, shape.Levels);
        Register vector = w.MultiplyAdd(w.Special("ctaid.x"), Threads, w.Special("tid.x"));
        Register isInside = w.Less(vector, shape.Rows * shape.Columns / shape.AtOnce);
        Register index = shape.AtOnce == 1 ? vector : w.Multiply(vector, shape.AtOnce);
        (Register row, Register column) = w.Divide(index, shape.Columns);
        var place = new Place(image, row, column, isInside);
        Register[] x = Read(w, a, place, shape.AtOnce);
        Register[]? y = b is null ? null : Read(w, b, place, shape.AtOnce);
        Register[] values = angles is { } table
            ? Rotate(w, shape, table, index, isInside, x, Others(w, a, place, x))
            : [.. x.Select((value, i) => Compute(w, shape, value, y?[i]))];
        Register first = w.MultiplyAdd(w.MultiplyAdd(image, shape.Rows, row), shape.OutputStride, column);
        if (levels is not null)
        {
            LevelWriter.Row ofRow = levels.ReadRow(row, isInside);
            values = [.. values.Select((value, i) => levels.Level(
                value, ofRow, levels.ReadFactor(i == 0 ? column : w.Add(column, i), isInside)))];
            w.StoreLevels(isInside, Operand.At(w.Address(output, first, 1)), values);
        }
        else
        {
            int bytes = shape.WritesHalves ? sizeof(ushort) : sizeof(float);
            w.StoreVector(isInside, Operand.At(w.Address(output, first, bytes)), values, shape.WritesHalves);
        }
        return w.Finish(target);
    }

    private static Source ReadParameters(PtxWriter w, ElementTerm term) => new(
        term, w.Parameter(ParameterKind.Pointer), term.HasMap ? w.Parameter(ParameterKind.Pointer) : null);

    private static Register[] Read(PtxWriter w, Source source, Place place, int count)
    {
        Register[] values = [.. Enumerable.Range(0, count).Select(_ => w.Float(0))];
        (Register row, Register isInside) = (place.Row, place.IsInside);
        if (source.Map is { } map)
        {
            row = w.Integer(-1);
            w.DoIf(isInside, "ld.global.nc.b32", row, Operand.At(w.Address(map, place.Row, sizeof(int))));
            isInside = w.Less(w.Integer(-1), row);
        }
        Register first = w.MultiplyAdd(
            w.MultiplyAdd(place.Image, source.Term.Rows, row), source.Term.Stride, place.Column);
        Operand address = Operand.At(
            w.Address(source.Pointer, first, source.Term.IsHalf ? sizeof(ushort) : sizeof(float)));
        w.LoadVector(isInside, "ld.global", values, address, source.Term.IsHalf);
        return values;
    }

    /// <summary>The other element of each pair of columns.</summary>
    private static Register[] Others(PtxWriter w, Source source, Place place, Register[] values) =>
        values is [var a, var b] ? [b, a] : Read(w, source, place with { Column = w.Xor(place.Column, 1) }, 1);

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

    private static Register[] Rotate(
        PtxWriter w, ElementShape shape, Register angles, Register index, Register isInside, Register[] values,
        Register[] others)
    {
        Register[][] waves = [.. Enumerable.Range(0, 2).Select(
            _ => values.Select(_ => w.Float(0)).ToArray())]; // cosines, then sines
        Register place = w.Address(angles, index, sizeof(float));
        for (int i = 0; i < waves.Length; i++)
        {
            Operand source = Operand.At(place, i * shape.Rows * shape.Columns * sizeof(float));
            w.LoadVector(isInside, "ld.global.nc", waves[i], source, areHalves: false);
        }
        return [.. values.Select((value, i) => w.Add(
            w.Multiply(value, waves[0][i]), w.Multiply(others[i], waves[1][i])))];
    }

    /// <summary>The elements of a thread.</summary>
    private sealed record Place(Register Image, Register Row, Register Column, Register IsInside);

    /// <summary>Where the elements of a value are.</summary>
    private sealed record Source(ElementTerm Term, Register Pointer, Register? Map);
}
