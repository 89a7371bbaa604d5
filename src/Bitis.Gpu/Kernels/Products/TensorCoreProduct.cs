using Bitis.Gpu.Ptx;
using static Bitis.Gpu.Kernels.Products.LinearShape;

namespace Bitis.Gpu.Kernels.Products;

/// <summary>Writes a linear layer on tensor cores: levels or halves, C[M, N] = A[M, K]·W[N, K]ᵀ.</summary>
/// <remarks>
/// Bytes decide, so the same text serves levels (32 of them in a step) and halves (16).
/// <code>
///                  W: tile columns (rows of W), 64 bytes of K a stage, several stages on their way
///                  ┌────────┬────────┐
///    A             │ warp 0 │ warp 2 │    a warp: its rows/16 × columns/8 fragments of 16×8 sums in registers
///    tile rows,    ├────────┼────────┤    a step of 32 bytes of K: ldmatrix of all fragments of A and of W,
///    64 bytes      │ warp 1 │ warp 3 │    then rows/16 · columns/8 mma
///    of K a stage  └────────┴────────┘
/// </code>
/// Rows of 64 bytes lie one after the other in shared memory. Chunk c of row r lies where chunk c ^ (r/2 % 4) would.
/// So eight rows of one chunk, which <c>ldmatrix</c> reads at once, lie in different banks. Copies write zeros behind
/// the last row and the last value of K, so neither has to be a multiple of anything.
/// <para>
/// Weights of 4 bits are half as long and become operands in registers: <see cref="PackedNibbles"/>. Chunk c of row r
/// lies where chunk c ^ (r/4 % 2) would, so a lane of each row reads its word in a bank of its own. Their sums are 16
/// times as large, until the end.
/// </para>
/// </remarks>
internal static class TensorCoreProduct
{
    private const int StageBytes = 64, StepBytes = 32, BankBytes = 128;
    private const int FragmentRows = 16, FragmentColumns = 8;

    /// <summary>Writes the kernel.</summary>
    public static PtxKernel Emit(LinearShape shape, ProductTile tile, PtxTarget target)
    {
        var w = new PtxWriter($"linear_{shape.EntryName}_{tile.Rows}x{tile.Columns}", tile.Threads);
        Register a = w.Parameter(ParameterKind.Pointer), weights = w.Parameter(ParameterKind.Pointer);
        Register output = w.Parameter(ParameterKind.Pointer), rows = w.Parameter(ParameterKind.Integer);
        var epilogue = new LinearEpilogue(w, shape, output);
        Register thread = w.Special("tid.x"), lane = w.And(thread, PtxWriter.WarpSize - 1);
        var group = LinearGroup.Find(w, shape, tile.Rows, rows, a, weights, epilogue);
        (Register firstRow, a, weights) = (group.FirstRow, group.Input, group.Weights);
        Register firstColumn = w.Multiply(w.Special("ctaid.x"), tile.Columns);

        Layout layoutOfA = new(StageBytes, shape.InputBytes);
        Layout layoutOfW = shape.HasNibbles ? new(StageBytes / 2, shape.WeightStride) : layoutOfA;
        int bytesOfA = tile.Rows * StageBytes, bytesOfStage = bytesOfA + (tile.Columns * layoutOfW.RowBytes);
        int start = w.Reserve(bytesOfStage * tile.Stages);
        Register memory = w.Add(w.SharedBase(), start);
        List<Copy> copies = [
            .. Copies(w, tile, thread, memory, layoutOfA, a, shape.InputStride, firstRow, tile.Rows, rows, place: 0),
            .. Copies(
                w, tile, thread, memory, layoutOfW, weights, shape.WeightStride, firstColumn, tile.Columns,
                shape.Outputs, bytesOfA)];

        Register warp = w.ShiftRight(thread, 5);
        Register warpRow = w.Multiply(w.And(warp, tile.WarpsDown - 1), tile.WarpRows);
        Register warpColumn = w.Multiply(w.ShiftRight(warp, int.Log2(tile.WarpsDown)), tile.WarpColumns);
        // Of A, lanes 0 to 15 point to rows with the first half of a step, lanes 16 to 31 with the second half.
        Register rowOfA = w.Add(warpRow, w.And(lane, 15)), halfOfA = w.ShiftRight(lane, 4);
        // Of W, lanes 0 to 7 and 16 to 23 point to first halves, of eight columns each.
        Register columnInPair = w.Or(w.And(lane, 7), w.ShiftLeft(w.ShiftRight(lane, 4), 3));
        Register rowOfW = w.Add(warpColumn, columnInPair), halfOfW = w.And(w.ShiftRight(lane, 3), 1);
        Register[] placesOfA = Places(w, memory, layoutOfA, rowOfA, halfOfA);
        Register[] placesOfW = shape.HasNibbles
            ? PlacesOfNibbles(w, memory, layoutOfW, w.Add(warpColumn, w.ShiftRight(lane, 2)), w.And(lane, 3))
            : Places(w, memory, layoutOfW, rowOfW, halfOfW);

        int down = tile.WarpRows / FragmentRows, across = tile.WarpColumns / FragmentColumns;
        bool isLevels = shape.Numbers == LinearNumbers.Levels;
        Register[][] sums = [.. Enumerable.Range(0, down * across).Select(
            _ => Enumerable.Range(0, 4).Select(_ => isLevels ? w.Integer(0) : w.Float(0)).ToArray())];

        int stages = (shape.InputBytes + StageBytes - 1) / StageBytes;
        for (int stage = 0; stage < tile.Stages - 1; stage++)
            Begin(w, copies, stage, stages, bytesOfStage * stage);
        for (int stage = 0; stage < stages; stage++)
        {
            // The barrier also says that all warps have read the stage that the next copies overwrite.
            w.Do("cp.async.wait_group", tile.Stages - 2);
            w.Barrier();
            int next = stage + tile.Stages - 1;
            Begin(w, copies, next, stages, bytesOfStage * (next % tile.Stages));
            int left = shape.InputBytes - (stage * StageBytes);
            for (int step = 0; step < StageBytes / StepBytes && step * StepBytes < left; step++)
            {
                int place = stage % tile.Stages * bytesOfStage;
                Register[][] fragmentsOfA = Load(w, placesOfA[step], place, down);
                Register[][] fragmentsOfW = shape.HasNibbles
                    ? LoadNibbles(w, placesOfW[step], layoutOfW, place + bytesOfA, across / 2)
                    : Load(w, placesOfW[step], place + bytesOfA, across / 2);
                for (int i = 0; i < down; i++)
                {
                    for (int j = 0; j < across; j++)
                    {
                        Register[] pair = fragmentsOfW[j / 2];
                        Multiply(w, isLevels, sums[(i * across) + j], fragmentsOfA[i], pair.AsSpan(j % 2 * 2, 2));
                    }
                }
            }
        }
        if (shape.HasNibbles)
            sums = [.. sums.Select(fragment => fragment.Select(sum => w.ShiftRightSigned(sum, 4)).ToArray())];
        Finish(w, epilogue, rows, w.Add(firstRow, warpRow), w.Add(firstColumn, warpColumn), lane, sums, down, across);
        return w.Finish(target);
    }

    /// <summary>Who copies what: each thread the same chunk of some rows of a stage.</summary>
    private static IEnumerable<Copy> Copies(
        PtxWriter w, ProductTile tile, Register thread, Register memory, Layout layout, Register source, int stride,
        Register first, int tileRows, Operand rows, int place)
    {
        Register chunk = w.And(thread, layout.Chunks - 1);
        Register rowOfThread = w.ShiftRight(thread, int.Log2(layout.Chunks));
        int rowsAtOnce = tile.Threads / layout.Chunks;
        for (int done = 0; done < tileRows; done += rowsAtOnce)
        {
            Register row = w.Add(rowOfThread, done), global = w.Add(first, row);
            Register isInside = w.Less(global, rows);
            Register safe = w.Select(isInside, global, 0);
            Register address = w.Address(w.Address(source, safe, stride), chunk, ChunkBytes);
            Register target = w.Add(Place(w, memory, layout, row, chunk), place);
            yield return new Copy(layout, target, address, chunk, isInside, w.Select(isInside, ChunkBytes, 0));
        }
    }

    /// <summary>The address of a chunk of a row in shared memory.</summary>
    private static Register Place(PtxWriter w, Register memory, Layout layout, Register row, Register chunk)
    {
        // 128 bytes of rows, that is all banks, have the same exchange of chunks.
        int rowsOfBanks = BankBytes / layout.RowBytes;
        Register swizzled = w.Xor(chunk, w.And(w.ShiftRight(row, int.Log2(rowsOfBanks)), layout.Chunks - 1));
        return w.Add(memory, w.MultiplyAdd(row, layout.RowBytes, w.ShiftLeft(swizzled, 4)));
    }

    /// <summary>The addresses of a row's chunk in each step of a stage.</summary>
    private static Register[] Places(PtxWriter w, Register memory, Layout layout, Register row, Register half) =>
    [
        .. Enumerable.Range(0, StageBytes / StepBytes).Select(
            step => Place(w, memory, layout, row, step == 0 ? half : w.Add(half, step * StepBytes / ChunkBytes))),
    ];

    /// <summary>The addresses of a lane's word of 4-bit weights in each step of a stage: a chunk a step.</summary>
    private static Register[] PlacesOfNibbles(
        PtxWriter w, Register memory, Layout layout, Register row, Register word) =>
    [
        .. Enumerable.Range(0, StageBytes / StepBytes).Select(
            step => w.Add(Place(w, memory, layout, row, w.Integer(step)), w.ShiftLeft(word, 2))),
    ];

    /// <summary>Begins the copies of a stage. Without copies the group is empty, so that counts are right.</summary>
    private static void Begin(PtxWriter w, List<Copy> copies, int stage, int stages, int place)
    {
        for (int i = 0; i < copies.Count && stage < stages; i++)
        {
            Copy copy = copies[i];
            int left = copy.Layout.SourceBytes - (stage * copy.Layout.RowBytes);
            Register size = left >= copy.Layout.RowBytes ? copy.Size : PartialSize(w, copy, left);
            w.Do(
                "cp.async.cg.shared.global", Operand.At(copy.Target, place),
                Operand.At(copy.Source, stage * copy.Layout.RowBytes), ChunkBytes, size);
        }
        w.Do("cp.async.commit_group");
    }

    /// <summary>The bytes of a chunk that are in a row of which only some bytes are left.</summary>
    private static Register PartialSize(PtxWriter w, Copy copy, int left)
    {
        Register rest = w.Subtract(w.Integer(left), w.ShiftLeft(copy.Chunk, 4));
        Register bytes = w.Emit(
            RegisterKind.Word, "max.s32", w.Emit(RegisterKind.Word, "min.s32", rest, ChunkBytes), 0);
        return w.Select(copy.IsInside, bytes, 0);
    }

    private static Register[][] Load(PtxWriter w, Register place, int offset, int count)
    {
        var fragments = new Register[count][];
        for (int i = 0; i < count; i++)
        {
            fragments[i] = w.New(RegisterKind.Word, 4);
            w.Do(
                "ldmatrix.sync.aligned.m8n8.x4.shared.b16", Operand.Vector(fragments[i]),
                Operand.At(place, offset + (i * FragmentRows * StageBytes)));
        }
        return fragments;
    }

    /// <summary>Operands of 4-bit weights, times 16, as <see cref="Load"/> gives them.</summary>
    private static Register[][] LoadNibbles(PtxWriter w, Register place, Layout layout, int offset, int count)
    {
        const int HighHalves = unchecked((int)0xF0F0F0F0);
        var fragments = new Register[count][];
        for (int i = 0; i < count; i++)
        {
            Register[] words = [.. Enumerable.Range(0, 2).Select(j => w.Emit(
                RegisterKind.Word, "ld.shared.b32",
                Operand.At(place, offset + (((2 * i) + j) * FragmentColumns * layout.RowBytes))))];
            fragments[i] = [.. words.SelectMany(word => (Register[])[
                w.And(w.ShiftLeft(word, 4), HighHalves), w.And(word, HighHalves)])];
        }
        return fragments;
    }

    private static void Multiply(
        PtxWriter w, bool isLevels, Register[] sums, Register[] a, ReadOnlySpan<Register> b) =>
        w.Do(
            isLevels
                ? "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32"
                : "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32",
            Operand.Vector(sums), Operand.Vector(a), Operand.Vector(b), Operand.Vector(sums));

    /// <summary>Finishes the sums: lane l has rows l/4 and l/4 + 8, columns 2·(l%4) and the next.</summary>
    private static void Finish(
        PtxWriter w, LinearEpilogue epilogue, Register rows, Register firstRow, Register firstColumn, Register lane,
        Register[][] sums, int down, int across)
    {
        Register row = w.Add(firstRow, w.ShiftRight(lane, 2));
        Register column = w.Add(firstColumn, w.ShiftLeft(w.And(lane, 3), 1));
        LinearEpilogue.RowValues[] rowValues = [.. Enumerable.Range(0, 2 * down).Select(
            i => epilogue.ReadRow(i == 0 ? row : w.Add(row, i * FragmentRows / 2), rows))];
        for (int j = 0; j < across; j++)
        {
            LinearEpilogue.ColumnValues[] columns =
                epilogue.ReadColumns(j == 0 ? column : w.Add(column, j * FragmentColumns));
            for (int i = 0; i < rowValues.Length; i++)
                epilogue.Store(rowValues[i], columns, sums[(i / 2 * across) + j].AsSpan(i % 2 * 2, 2));
        }
    }

    /// <summary>A chunk that a thread copies in each stage.</summary>
    private sealed record Copy(
        Layout Layout, Register Target, Register Source, Register Chunk, Register IsInside, Register Size);

    /// <summary>How rows of an operand lie in shared memory.</summary>
    /// <param name="RowBytes">The bytes of a row in a stage.</param>
    /// <param name="SourceBytes">The bytes of a row in all stages.</param>
    private sealed record Layout(int RowBytes, int SourceBytes)
    {
        public int Chunks => RowBytes / ChunkBytes;
    }
}
