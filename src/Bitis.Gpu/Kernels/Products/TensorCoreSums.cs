using Bitis.Gpu.Ptx;
using static Bitis.Gpu.Kernels.Products.LinearShape;

namespace Bitis.Gpu.Kernels.Products;

/// <summary>Writes the sums of a block's tile on tensor cores: A[M, K]·W[N, K]ᵀ of levels or halves.</summary>
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
/// A comes from global memory in stages, as W does. Or the block writes all of it to shared memory itself, in pieces of
/// 128 bytes of K. <see cref="SharedRows"/> says where chunks lie. Copies write zeros behind the last row and the last
/// value of K, so neither has to be a multiple of anything.
/// <para>
/// Weights of 4 bits are half as long and become operands in registers: <see cref="PackedNibbles"/>. A lane of each row
/// reads its word in a bank of its own. Their sums are 16 times as large, until the end.
/// </para>
/// </remarks>
internal sealed class TensorCoreSums
{
    /// <summary>The bytes of K that a step takes; an A of the block's own ends with a whole one.</summary>
    public const int StepBytes = 32;

    private const int StageBytes = 64, HeldBytes = 128, StepsOfStage = StageBytes / StepBytes;
    private const int FragmentRows = 16, FragmentColumns = 8;

    private readonly PtxWriter _writer;
    private readonly LinearShape _shape;
    private readonly ProductTile _tile;
    private readonly Register _thread;
    private readonly Register _lane;
    private readonly List<Copy> _copies = [];
    private readonly SharedRows _layoutOfW;
    private SharedRows _layoutOfA = null!;
    private Register _memoryOfA;
    private Register _memoryOfW;
    private Register _warpRow;
    private Register _warpColumn;
    private Register[][] _sums = [];

    /// <summary>Prepares the sums.</summary>
    /// <param name="writer">The kernel.</param>
    /// <param name="shape">The layer.</param>
    /// <param name="tile">The tile.</param>
    public TensorCoreSums(PtxWriter writer, LinearShape shape, ProductTile tile)
    {
        (_writer, _shape, _tile) = (writer, shape, tile);
        _thread = writer.Special("tid.x");
        _lane = writer.And(_thread, PtxWriter.WarpSize - 1);
        _layoutOfW = LayoutOfW(shape);
    }

    private bool IsLevels => _shape.Numbers == LinearNumbers.Levels;

    private int Stages => (_shape.InputBytes + StageBytes - 1) / StageBytes;

    private int Down => _tile.WarpRows / FragmentRows;

    private int Across => _tile.WarpColumns / FragmentColumns;

    /// <summary>The shared memory of a block that holds all of A.</summary>
    public static int SharedBytesWithInput(LinearShape shape, ProductTile tile)
    {
        SharedRows a = new(HeldBytes, shape.InputBytes);
        return (a.Pieces * tile.Rows * HeldBytes) + (tile.Stages * tile.Columns * LayoutOfW(shape).RowBytes);
    }

    /// <summary>Lets A come from global memory.</summary>
    /// <param name="a">Its address.</param>
    /// <param name="firstRow">The first row of the tile.</param>
    /// <param name="rows">The rows that there are.</param>
    public void StreamInput(Register a, Register firstRow, Operand rows)
    {
        _layoutOfA = new SharedRows(StageBytes, _shape.InputBytes);
        _memoryOfA = Reserve(_layoutOfA, _tile.Rows, _tile.Stages);
        AddCopies(_layoutOfA, _memoryOfA, a, _shape.InputStride, firstRow, _tile.Rows, rows);
    }

    /// <summary>Lets the block write A to shared memory, before the product.</summary>
    /// <remarks>Every row of the tile needs bytes up to the next multiple of <see cref="StepBytes"/>.</remarks>
    /// <returns>The address of the first piece, and how rows lie in a piece.</returns>
    public (Register Memory, SharedRows Layout) HoldInput()
    {
        _layoutOfA = new SharedRows(HeldBytes, _shape.InputBytes);
        _memoryOfA = Reserve(_layoutOfA, _tile.Rows, _layoutOfA.Pieces);
        return (_memoryOfA, _layoutOfA);
    }

    /// <summary>Lets W come from global memory.</summary>
    /// <param name="weights">Its address.</param>
    /// <param name="firstColumn">The first column of the tile.</param>
    public void StreamWeights(Register weights, Register firstColumn)
    {
        _memoryOfW = Reserve(_layoutOfW, _tile.Columns, _tile.Stages);
        AddCopies(
            _layoutOfW, _memoryOfW, weights, _shape.WeightStride, firstColumn, _tile.Columns, _shape.Outputs);
    }

    /// <summary>Begins the copies of the first stages.</summary>
    public void Begin()
    {
        for (int stage = 0; stage < _tile.Stages - 1; stage++)
            Begin(stage);
    }

    /// <summary>Computes the sums. The first barrier also says that A is written.</summary>
    public void Multiply()
    {
        PtxWriter w = _writer;
        Register warp = w.ShiftRight(_thread, 5);
        _warpRow = w.Multiply(w.And(warp, _tile.WarpsDown - 1), _tile.WarpRows);
        _warpColumn = w.Multiply(w.ShiftRight(warp, int.Log2(_tile.WarpsDown)), _tile.WarpColumns);
        // Of A, lanes 0 to 15 point to rows with the first half of a step, lanes 16 to 31 with the second half.
        Register rowOfA = w.Add(_warpRow, w.And(_lane, 15)), halfOfA = w.ShiftRight(_lane, 4);
        // Of W, lanes 0 to 7 and 16 to 23 point to first halves, of eight columns each.
        Register columnInPair = w.Or(w.And(_lane, 7), w.ShiftLeft(w.ShiftRight(_lane, 4), 3));
        Register rowOfW = w.Add(_warpColumn, columnInPair), halfOfW = w.And(w.ShiftRight(_lane, 3), 1);
        Register[] placesOfA = Places(_layoutOfA, _memoryOfA, rowOfA, halfOfA);
        Register[] placesOfW = _shape.HasNibbles
            ? PlacesOfNibbles(w.Add(_warpColumn, w.ShiftRight(_lane, 2)), w.And(_lane, 3))
            : Places(_layoutOfW, _memoryOfW, rowOfW, halfOfW);
        _sums = [.. Enumerable.Range(0, Down * Across).Select(
            _ => Enumerable.Range(0, 4).Select(_ => IsLevels ? w.Integer(0) : w.Float(0)).ToArray())];
        for (int stage = 0; stage < Stages; stage++)
        {
            // The barrier also says that all warps have read the stage that the next copies overwrite.
            w.Do("cp.async.wait_group", _tile.Stages - 2);
            w.Barrier();
            Begin(stage + _tile.Stages - 1);
            int left = _shape.InputBytes - (stage * StageBytes), slot = stage % _tile.Stages;
            for (int step = 0; step < StepsOfStage && step * StepBytes < left; step++)
            {
                (int pieceOfA, int inPiece) = Math.DivRem((stage * StepsOfStage) + step, placesOfA.Length);
                if (_layoutOfA.RowBytes == StageBytes)
                    pieceOfA = slot;
                Register[][] a = Load(
                    placesOfA[inPiece], _layoutOfA, pieceOfA * _tile.Rows * _layoutOfA.RowBytes, Down);
                int placeOfW = slot * _tile.Columns * _layoutOfW.RowBytes;
                Register[][] b = _shape.HasNibbles
                    ? LoadNibbles(placesOfW[step], placeOfW, Across / 2)
                    : Load(placesOfW[step], _layoutOfW, placeOfW, Across / 2);
                for (int i = 0; i < Down; i++)
                {
                    for (int j = 0; j < Across; j++)
                        Multiply(_sums[(i * Across) + j], a[i], b[j / 2].AsSpan(j % 2 * 2, 2));
                }
            }
        }
        if (_shape.HasNibbles)
            _sums = [.. _sums.Select(fragment => fragment.Select(sum => w.ShiftRightSigned(sum, 4)).ToArray())];
    }

    /// <summary>Finishes the sums: lane l has rows l/4 and l/4 + 8, columns 2·(l%4) and the next.</summary>
    /// <param name="epilogue">What becomes of them.</param>
    /// <param name="rows">The rows that there are.</param>
    /// <param name="firstRow">The first row of the tile.</param>
    /// <param name="firstColumn">The first column of the tile.</param>
    public void Finish(LinearEpilogue epilogue, Register rows, Register firstRow, Register firstColumn)
    {
        PtxWriter w = _writer;
        Register row = w.Add(w.Add(firstRow, _warpRow), w.ShiftRight(_lane, 2));
        Register column = w.Add(w.Add(firstColumn, _warpColumn), w.ShiftLeft(w.And(_lane, 3), 1));
        LinearEpilogue.RowValues[] rowValues = [.. Enumerable.Range(0, 2 * Down).Select(
            i => epilogue.ReadRow(i == 0 ? row : w.Add(row, i * FragmentRows / 2), rows))];
        for (int j = 0; j < Across; j++)
        {
            LinearEpilogue.ColumnValues[] columns =
                epilogue.ReadColumns(j == 0 ? column : w.Add(column, j * FragmentColumns));
            for (int i = 0; i < rowValues.Length; i++)
                epilogue.Store(rowValues[i], columns, _sums[(i / 2 * Across) + j].AsSpan(i % 2 * 2, 2));
        }
    }

    private static SharedRows LayoutOfW(LinearShape shape) =>
        shape.HasNibbles ? new(StageBytes / 2, shape.WeightStride) : new(StageBytes, shape.InputBytes);

    private Register Reserve(SharedRows layout, int rows, int pieces)
    {
        int start = _writer.Reserve(rows * layout.RowBytes * pieces);
        return _writer.Add(_writer.SharedBase(), start);
    }

    /// <summary>Adds who copies what: each thread the same chunk of some rows of a stage.</summary>
    private void AddCopies(
        SharedRows layout, Register memory, Register source, int stride, Register first, int tileRows, Operand rows)
    {
        PtxWriter w = _writer;
        Register chunk = w.And(_thread, layout.Chunks - 1);
        Register rowOfThread = w.ShiftRight(_thread, int.Log2(layout.Chunks));
        int rowsAtOnce = _tile.Threads / layout.Chunks;
        for (int done = 0; done < tileRows; done += rowsAtOnce)
        {
            Register row = w.Add(rowOfThread, done), global = w.Add(first, row);
            Register isInside = w.Less(global, rows);
            Register safe = w.Select(isInside, global, 0);
            Register address = w.Address(w.Address(source, safe, stride), chunk, ChunkBytes);
            Register target = layout.Place(w, memory, row, chunk);
            Register? isOfTile = done + rowsAtOnce > tileRows ? w.Less(row, tileRows) : null;
            _copies.Add(new Copy(
                layout, tileRows, target, address, chunk, isInside, isOfTile, w.Select(isInside, ChunkBytes, 0)));
        }
    }

    /// <summary>The addresses of a row's chunk in each step of a piece.</summary>
    private Register[] Places(SharedRows layout, Register memory, Register row, Register half) =>
    [
        .. Enumerable.Range(0, layout.RowBytes / StepBytes).Select(step => layout.Place(
            _writer, memory, row, step == 0 ? half : _writer.Add(half, step * StepBytes / ChunkBytes))),
    ];

    /// <summary>The addresses of a lane's word of 4-bit weights in each step of a stage: a chunk a step.</summary>
    private Register[] PlacesOfNibbles(Register row, Register word) =>
    [
        .. Enumerable.Range(0, StepsOfStage).Select(step => _writer.Add(
            _layoutOfW.Place(_writer, _memoryOfW, row, _writer.Integer(step)), _writer.ShiftLeft(word, 2))),
    ];

    /// <summary>Begins the copies of a stage. Without copies the group is empty, so that counts are right.</summary>
    private void Begin(int stage)
    {
        PtxWriter w = _writer;
        for (int i = 0; i < _copies.Count && stage < Stages; i++)
        {
            Copy copy = _copies[i];
            int rowBytes = copy.Layout.RowBytes, left = copy.Layout.SourceBytes - (stage * rowBytes);
            Register size = left >= rowBytes ? copy.Size : PartialSize(copy, left);
            Operand[] operands =
            [
                Operand.At(copy.Target, stage % _tile.Stages * copy.TileRows * rowBytes),
                Operand.At(copy.Source, stage * rowBytes), ChunkBytes, size,
            ];
            if (copy.IsOfTile is { } isOfTile)
                w.DoIf(isOfTile, "cp.async.cg.shared.global", operands);
            else
                w.Do("cp.async.cg.shared.global", operands);
        }
        w.Do("cp.async.commit_group");
    }

    /// <summary>The bytes of a chunk that are in a row of which only some bytes are left.</summary>
    private Register PartialSize(Copy copy, int left)
    {
        Register rest = _writer.Subtract(_writer.Integer(left), _writer.ShiftLeft(copy.Chunk, 4));
        Register bytes = _writer.Emit(
            RegisterKind.Word, "max.s32", _writer.Emit(RegisterKind.Word, "min.s32", rest, ChunkBytes), 0);
        return _writer.Select(copy.IsInside, bytes, 0);
    }

    private Register[][] Load(Register place, SharedRows layout, int offset, int count)
    {
        var fragments = new Register[count][];
        for (int i = 0; i < count; i++)
        {
            fragments[i] = _writer.New(RegisterKind.Word, 4);
            _writer.Do(
                "ldmatrix.sync.aligned.m8n8.x4.shared.b16", Operand.Vector(fragments[i]),
                Operand.At(place, offset + (i * FragmentRows * layout.RowBytes)));
        }
        return fragments;
    }

    /// <summary>Operands of 4-bit weights, times 16, as <see cref="Load"/> gives them.</summary>
    private Register[][] LoadNibbles(Register place, int offset, int count)
    {
        const int HighHalves = unchecked((int)0xF0F0F0F0);
        PtxWriter w = _writer;
        var fragments = new Register[count][];
        for (int i = 0; i < count; i++)
        {
            Register[] words = [.. Enumerable.Range(0, 2).Select(j => w.Emit(
                RegisterKind.Word, "ld.shared.b32",
                Operand.At(place, offset + (((2 * i) + j) * FragmentColumns * _layoutOfW.RowBytes))))];
            fragments[i] = [.. words.SelectMany(word => (Register[])[
                w.And(w.ShiftLeft(word, 4), HighHalves), w.And(word, HighHalves)])];
        }
        return fragments;
    }

    private void Multiply(Register[] sums, Register[] a, ReadOnlySpan<Register> b) => _writer.Do(
        IsLevels
            ? "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32"
            : "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32",
        Operand.Vector(sums), Operand.Vector(a), Operand.Vector(b), Operand.Vector(sums));

    /// <summary>A chunk that a thread copies in each stage.</summary>
    private sealed record Copy(
        SharedRows Layout, int TileRows, Register Target, Register Source, Register Chunk, Register IsInside,
        Register? IsOfTile, Register Size);
}
