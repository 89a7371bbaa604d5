using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Products;

/// <summary>Writes a linear layer in float32 without tensor cores, which have no float32.</summary>
/// <remarks>
/// <code>
///                    W: 64 columns, 16 of K a stage, [k][column] in shared memory
///    A: 64 rows,     ┌──────────────┐
///    16 of K         │ thread: 4×4  │   a step of K: 4 values of A and 4 of W from shared memory, 16 multiply-adds
///    [k][row]        └──────────────┘   16×16 threads
/// </code>
/// A thread reads four neighbours along K for one row of A and of W, and stores them across. Rows of shared memory are
/// four values longer than needed, so that the four stores of a thread lie in different banks. The next stage's values
/// are read from global memory while this stage is computed. Sums run along K in order.
/// </remarks>
internal static class FloatProduct
{
    /// <summary>Rows of a block.</summary>
    public const int TileRows = 64;

    /// <summary>Columns of a block.</summary>
    public const int TileColumns = 64;

    private const int Depth = 16, Each = 4, ThreadsAcross = TileColumns / Each, Threads = 256;
    private const int LineBytes = (TileRows + Each) * sizeof(float), HalfBytes = Depth * LineBytes;

    /// <summary>Writes the kernel.</summary>
    public static PtxKernel Emit(LinearShape shape, PtxTarget target)
    {
        var w = new PtxWriter($"linear_{shape.EntryName}", Threads);
        Register a = w.Parameter(ParameterKind.Pointer), weights = w.Parameter(ParameterKind.Pointer);
        Register output = w.Parameter(ParameterKind.Pointer), rows = w.Parameter(ParameterKind.Integer);
        var epilogue = new LinearEpilogue(w, shape, output);
        Register thread = w.Special("tid.x");
        var group = LinearGroup.Find(w, shape, TileRows, rows, a, weights, epilogue);
        (Register firstRow, a, weights) = (group.FirstRow, group.Input, group.Weights);
        Register firstColumn = w.Multiply(w.Special("ctaid.x"), TileColumns);
        Register memory = w.Add(w.SharedBase(), w.Reserve(2 * HalfBytes));

        // Thread t reads values 4·(t%4) to 4·(t%4) + 3 of a stage, of row t/4 of A and of W.
        Register line = w.ShiftRight(thread, 2), depth = w.ShiftLeft(w.And(thread, 3), 2);
        Register place = w.Add(memory, w.MultiplyAdd(depth, LineBytes, w.ShiftLeft(line, 2)));
        Source sourceOfA = SourceOf(w, a, w.Add(firstRow, line), rows, shape.InputStride, depth);
        Source sourceOfW = SourceOf(w, weights, w.Add(firstColumn, line), shape.Outputs, shape.WeightStride, depth);

        Register down = w.ShiftRight(thread, int.Log2(ThreadsAcross)), across = w.And(thread, ThreadsAcross - 1);
        Register placeOfA = w.MultiplyAdd(down, Each * sizeof(float), memory);
        Register placeOfW = w.Add(w.MultiplyAdd(across, Each * sizeof(float), memory), HalfBytes);
        Register[] sums = [.. Enumerable.Range(0, Each * Each).Select(_ => w.Float(0))];
        int stages = (shape.Inputs + Depth - 1) / Depth;
        Register[] nextOfA = Read(w, sourceOfA, shape, 0), nextOfW = Read(w, sourceOfW, shape, 0);
        for (int stage = 0; stage < stages; stage++)
        {
            if (stage > 0)
                w.Barrier(); // All have read the stage before.
            for (int i = 0; i < Each; i++)
            {
                w.Do("st.shared.f32", Operand.At(place, i * LineBytes), nextOfA[i]);
                w.Do("st.shared.f32", Operand.At(place, HalfBytes + (i * LineBytes)), nextOfW[i]);
            }
            w.Barrier();
            if (stage + 1 < stages)
                (nextOfA, nextOfW) = (Read(w, sourceOfA, shape, stage + 1), Read(w, sourceOfW, shape, stage + 1));
            for (int k = 0; k < Math.Min(Depth, shape.Inputs - (stage * Depth)); k++)
                MultiplyStep(w, sums, Operand.At(placeOfA, k * LineBytes), Operand.At(placeOfW, k * LineBytes));
        }

        Register row = w.Add(firstRow, w.ShiftLeft(down, 2)), column = w.Add(firstColumn, w.ShiftLeft(across, 2));
        LinearEpilogue.ColumnValues[][] columns =
            [epilogue.ReadColumns(column), epilogue.ReadColumns(w.Add(column, 2))];
        for (int i = 0; i < Each; i++)
        {
            LinearEpilogue.RowValues values = epilogue.ReadRow(i == 0 ? row : w.Add(row, i), rows);
            for (int j = 0; j < columns.Length; j++)
                epilogue.Store(values, columns[j], sums.AsSpan((i * Each) + (j * 2), 2));
        }
        return w.Finish(target);
    }

    private static Source SourceOf(
        PtxWriter w, Register pointer, Register row, Operand rows, int stride, Register depth)
    {
        Register isInside = w.Less(row, rows);
        Register start = w.Address(pointer, w.Select(isInside, row, 0), stride);
        return new Source(w.Address(start, depth, sizeof(float)), isInside, depth);
    }

    /// <summary>Four values of a stage; zeros behind the last row and the last value of K.</summary>
    private static Register[] Read(PtxWriter w, Source source, LinearShape shape, int stage)
    {
        int offset = stage * Depth * sizeof(float), left = shape.Inputs - (stage * Depth);
        Register[] values = [.. Enumerable.Range(0, Each).Select(_ => w.Float(0))];
        if (left >= Depth)
        {
            w.DoIf(source.IsInside, "ld.global.v4.f32", Operand.Vector(values), Operand.At(source.Address, offset));
            return values;
        }
        for (int i = 0; i < Each; i++)
        {
            Register isInside = w.Both(source.IsInside, w.Less(source.Depth, left - i));
            w.DoIf(
                isInside, "ld.global.f32", values[i], Operand.At(source.Address, offset + (i * sizeof(float))));
        }
        return values;
    }

    private static void MultiplyStep(PtxWriter w, Register[] sums, Operand placeOfA, Operand placeOfW)
    {
        Register[] x = w.New(RegisterKind.Float, Each), y = w.New(RegisterKind.Float, Each);
        w.Do("ld.shared.v4.f32", Operand.Vector(x), placeOfA);
        w.Do("ld.shared.v4.f32", Operand.Vector(y), placeOfW);
        for (int i = 0; i < sums.Length; i++)
            w.Do("fma.rn.f32", sums[i], x[i / Each], y[i % Each], sums[i]);
    }

    /// <summary>Where a thread reads.</summary>
    private sealed record Source(Register Address, Register IsInside, Register Depth);
}
