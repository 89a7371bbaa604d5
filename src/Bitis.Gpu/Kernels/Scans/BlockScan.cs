using Bitis.Gpu.Kernels.Products;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Scans;

/// <summary>Writes the scans of a block, with what stands before and behind them.</summary>
/// <remarks>
/// <code>
///   x = bias + Σ_r δ[t, r]·W[e, r]     <see cref="DeltaProjection"/>
///   y of u, x, B and C                 <see cref="ScanStates"/>
///   out = (y_forward + y_backward)·scale·SiLU(z)                               float32, or the levels of it
/// </code>
/// Half of a block's threads go forward, the other half backward, over the same channels of one image. They meet in
/// the middle. Each direction leaves y in shared memory on its first half of the way. On its second half it finds the
/// other's y there, and finishes the token.
/// <code>
///   tokens     0 ──────────► h ──────────► L      forward:  leaves y      |  adds, gates, stores
///              0 ◄────────── h ◄────────── L      backward: adds, gates   |  leaves y
/// </code>
/// With a <see cref="ScanArrangement"/>, directions go their own ways instead: tables say which row a step reads and
/// which one it writes, so nothing is arranged in memory.
/// <para>
/// <c>lanes</c> neighbouring threads share the states of a channel, which stay in registers. δ, B and C of eight tokens
/// come to shared memory by asynchronous copies, while the eight before are computed.
/// </para>
/// </remarks>
/// <param name="shape">The shape.</param>
/// <param name="lanes">The threads of a channel: a power of two.</param>
internal sealed class BlockScan(ScanShape shape, int lanes)
{
    /// <summary>The tokens that come to shared memory together.</summary>
    public const int TokensOfTile = 8;

    private const int ThreadsOfDirection = ScanKernels.ThreadsOfDirection;

    private readonly PtxWriter _writer = new(
        $"scan_{shape.Tokens}x{shape.Channels}x{shape.States}x{shape.Rank}_{lanes}"
            + (shape.Arrangement is null ? "" : $"_{shape.Directions}") + (shape.DeltaLevels is null ? "" : "_delta")
            + (shape.Levels is not null ? "_states" : shape.HasHalfStates ? "_half_states" : "")
            + (shape.AreHalves ? "_halves" : "") + (shape.ReadsLevels ? "_of_levels" : "")
            + (shape.OutputLevels is null ? "" : "_levels"),
        shape.DirectionsOfBlock * ThreadsOfDirection)
    {
        HasFastFunctions = shape.HasFastFunctions,
    };

    private DeltaProjection _delta = null!;
    private ScanStates _states = null!;
    private ScanThread _thread = null!;
    private Direction _direction = null!;
    private Channel _channel = null!;
    private Outputs _outputs = null!;
    private Register _tiles;
    private Register _middle;

    private bool IsArranged => shape.Arrangement is not null;

    /// <summary>The tokens from the beginning to the middle.</summary>
    private int Half => (shape.Tokens + 1) / 2;

    /// <summary>The bytes of a direction's tile.</summary>
    private int TileBytes => TokensOfTile * shape.ParameterStride * sizeof(float);

    private static int ChannelsOfBlock(int lanes) => ThreadsOfDirection / lanes;

    /// <summary>The shared memory of a block.</summary>
    public static int SharedBytes(ScanShape shape, int lanes) =>
        (2 * shape.DirectionsOfBlock * TokensOfTile * shape.ParameterStride * sizeof(float))
            + (shape.Arrangement is null ? shape.Tokens * ChannelsOfBlock(lanes) * sizeof(float) : 0)
            + (shape.DeltaLevels is null ? 0 : LevelDelta.SharedBytes(shape))
            + (shape.Levels is null ? 0 : LevelStates.SharedBytes(shape));

    /// <summary>Writes the kernel.</summary>
    public PtxKernel Emit(PtxTarget target)
    {
        PtxWriter w = _writer;
        Register thread = w.Special("tid.x"), image = w.Special("ctaid.y");
        Register half = w.ShiftRight(thread, 6);
        (Register pair, Register block) = w.Divide(w.Special("ctaid.x"), ScanKernels.Blocks(shape, lanes));
        _thread = new ScanThread(
            w.And(thread, ThreadsOfDirection - 1), half, w.MultiplyAdd(pair, shape.DirectionsOfBlock, half));
        ReadParameters(image);
        Register memory = w.SharedBase();
        int tiles = w.Reserve(2 * shape.DirectionsOfBlock * TileBytes);
        if (!IsArranged)
            _middle = w.Add(memory, w.Reserve(shape.Tokens * ChannelsOfBlock(lanes) * sizeof(float)));
        _tiles = w.MultiplyAdd(half, 2 * TileBytes, w.Add(memory, tiles));

        Register inBlock = w.ShiftRight(_thread.Place, int.Log2(lanes));
        Register channel = w.MultiplyAdd(block, ChannelsOfBlock(lanes), inBlock);
        Register isInside = w.Less(channel, shape.Channels);
        channel = w.Select(isInside, channel, shape.Channels - 1); // Threads without a channel repeat the last one.
        Register part = w.And(_thread.Place, lanes - 1);
        Register row = w.MultiplyAdd(_thread.Direction, shape.Channels, channel);
        _delta.ReadChannel(row);
        _states.ReadChannel(row, channel, part);
        Register writes = lanes == 1 ? isInside : w.Both(isInside, w.AreEqual(part, 0));
        _channel = new Channel(channel, inBlock, writes, part, _outputs.Levels?.ReadFactor(channel));

        if (IsArranged)
        {
            Phase(w.Integer(0), w.Integer(shape.Tokens), shape.Tokens, StoreOwn);
            return w.Finish(target);
        }
        Register isForward = w.AreEqual(half, 0);
        Phase(w.Integer(0), w.Select(isForward, Half, shape.Tokens - Half), Half, LeaveInTheMiddle);
        Register done = w.Select(isForward, Half, shape.Tokens - Half);
        Phase(done, w.Select(isForward, shape.Tokens - Half, Half), Half, FinishSum);
        return w.Finish(target);
    }

    /// <summary>Reads the parameters, in the order of <see cref="ScanOperands"/>.</summary>
    private void ReadParameters(Register image)
    {
        PtxWriter w = _writer;
        Register u = w.Parameter(ParameterKind.Pointer), parameters = w.Parameter(ParameterKind.Pointer);
        Register output = w.Parameter(ParameterKind.Pointer), offsetOfU = w.Parameter(ParameterKind.Integer);
        Register offsetOfParameters = w.Parameter(ParameterKind.Integer);
        Register? gate = shape.HasGate ? w.Parameter(ParameterKind.Pointer) : null;
        Register? rows = IsArranged ? w.Parameter(ParameterKind.Pointer) : null;
        Register? targets = IsArranged ? w.Parameter(ParameterKind.Pointer) : null;
        Register? offsetOfOutput = IsArranged ? w.Parameter(ParameterKind.Integer) : null;
        _delta = shape.DeltaLevels is null ? new FloatDelta(w, shape) : new LevelDelta(w, shape, _thread);
        _states = shape.Levels is not null ? new LevelStates(w, shape, lanes, _thread)
            : shape.HasHalfStates ? new HalfStates(w, shape, lanes, _thread)
            : new FloatStates(w, shape, lanes);
        _delta.ReadParameters();
        _states.ReadParameters();
        LevelWriter? levels = shape.OutputLevels is null ? null : new LevelWriter(w, shape.OutputLevels);
        Register isForward = w.AreEqual(_thread.Half, 0);
        _direction = new Direction(
            IsArranged ? w.Integer(1) : w.Select(isForward, 1, -1),
            IsArranged ? w.Integer(0) : w.Select(isForward, 0, shape.Tokens - 1),
            w.Multiply(image, shape.Arrangement?.InputRows ?? shape.Tokens),
            w.Address(u, w.Multiply(_thread.Direction, offsetOfU), shape.InputBytes),
            w.Address(parameters, w.Multiply(_thread.Direction, offsetOfParameters), sizeof(float)),
            OwnTable(rows));
        _outputs = new Outputs(
            gate, offsetOfOutput is { } offset
                ? w.Address(output, w.Multiply(_thread.Direction, offset), shape.ElementBytes)
                : output,
            w.Multiply(image, shape.Arrangement?.OutputRows ?? shape.Tokens), OwnTable(targets), levels);

        Register? OwnTable(Register? table) => table is { } all
            ? w.Address(all, w.Multiply(_thread.Direction, shape.Tokens), sizeof(int))
            : null;
    }

    /// <summary>A part of the way of all directions.</summary>
    /// <param name="first">The steps that a direction has made.</param>
    /// <param name="count">The steps that it makes.</param>
    /// <param name="most">The most steps that a direction makes.</param>
    /// <param name="finish">What happens with y of a token.</param>
    private void Phase(Register first, Register count, int most, Action<Register, Register> finish)
    {
        PtxWriter w = _writer;
        Register done = w.Integer(0), stage = w.Integer(0);
        Copy(first, done, count, stage);
        w.Do("cp.async.commit_group");
        w.Loop(done, most, TokensOfTile, () =>
        {
            Register other = w.Subtract(w.Integer(TileBytes), stage);
            Copy(first, w.Add(done, TokensOfTile), count, other);
            w.Do("cp.async.commit_group");
            Register[] u = [.. Enumerable.Range(0, TokensOfTile).Select(i => ReadInput(first, done, count, i))];
            w.Do("cp.async.wait_group", 1);
            w.Barrier();
            Register tile = w.Add(_tiles, stage);
            Register rows = w.Subtract(count, done), start = w.Add(first, done);
            _states.Prepare(tile, start, rows);
            _delta.Prepare(tile, row => Token(start, row), rows);
            for (int i = 0; i < TokensOfTile; i++)
            {
                Register step = w.Add(done, i);
                w.IfUniform(w.Less(step, count), () =>
                {
                    Register token = Token(first, step);
                    Register x = _delta.Project(tile, i, token);
                    finish(token, _states.Step(u[i], x, tile, i, w.Add(start, i)));
                });
            }
            w.Barrier(); // All have read the tile; after the last one, all y of this part are there.
            w.Do("mov.b32", stage, other);
        });
    }

    /// <summary>The token of a step: with an arrangement, the step itself.</summary>
    private Register Token(Register first, Register step) => _writer.MultiplyAdd(
        _writer.Add(first, step), _direction.Sign, _direction.Start);

    /// <summary>The row of u and of the parameters in an image, and whether there is one.</summary>
    private (Register Row, Register HasRow) RowOf(Register token, Register isInside)
    {
        if (_direction.Rows is not { } rows)
            return (token, isInside);
        Register row = _writer.Integer(-1);
        Operand entry = Operand.At(_writer.Address(rows, token, sizeof(int)));
        _writer.DoIf(isInside, "ld.global.nc.b32", row, entry);
        return (row, _writer.Less(_writer.Integer(-1), row));
    }

    private Register ReadInput(Register first, Register done, Register count, int i)
    {
        PtxWriter w = _writer;
        Register step = w.Add(done, i);
        (Register row, Register hasRow) = RowOf(Token(first, step), w.Less(step, count));
        Register index = w.MultiplyAdd(w.Add(row, _direction.FirstRow), shape.InputStride, _channel.Index);
        Operand source = Operand.At(w.Address(_direction.U, index, shape.InputBytes));
        if (shape.ReadsLevels)
        {
            Register level = w.Integer(0);
            w.DoIf(hasRow, "ld.global.nc.u8", level, source);
            return ((LevelStates)_states).InputOf(level, hasRow);
        }
        Register u = w.Float(0);
        w.Load(hasRow, "ld.global.nc", u, source, shape.HasHalfInput);
        return u;
    }

    /// <summary>Begins the copies of a tile, chunk by chunk; a direction's threads share them.</summary>
    private void Copy(Register first, Register done, Register count, Register stage)
    {
        PtxWriter w = _writer;
        int chunksOfRow = shape.ParameterStride * sizeof(float) / LinearShape.ChunkBytes;
        int lastBytes = (shape.Parameters * sizeof(float)) - ((chunksOfRow - 1) * LinearShape.ChunkBytes);
        for (int begun = 0; begun < TokensOfTile * chunksOfRow; begun += ThreadsOfDirection)
        {
            Register chunk = w.Add(_thread.Place, begun);
            // chunk / chunksOfRow by a multiplication: exact for these small numbers.
            Register row = w.ShiftRight(w.Multiply(chunk, ((1 << 16) / chunksOfRow) + 1), 16);
            Register column = w.Subtract(chunk, w.Multiply(row, chunksOfRow));
            Register step = w.Add(done, row);
            Register isInside = w.Both(w.Less(step, count), w.Less(chunk, TokensOfTile * chunksOfRow));
            (Register tokenRow, Register hasRow) = RowOf(Token(first, step), isInside);
            if (IsArranged)
                tokenRow = w.Select(hasRow, tokenRow, 0);
            Register source = w.Address(
                w.Address(
                    _direction.Parameters, w.Add(tokenRow, _direction.FirstRow),
                    shape.ParameterRowStride * sizeof(float)),
                column, LinearShape.ChunkBytes);
            Register target = w.MultiplyAdd(chunk, LinearShape.ChunkBytes, w.Add(_tiles, stage));
            Register bytes = w.Select(w.AreEqual(column, chunksOfRow - 1), lastBytes, LinearShape.ChunkBytes);
            if (IsArranged)
                bytes = w.Select(hasRow, bytes, 0); // zeros instead
            w.DoIf(
                isInside, "cp.async.cg.shared.global", Operand.At(target), Operand.At(source), LinearShape.ChunkBytes,
                bytes);
        }
    }

    private Register PlaceInTheMiddle(Register token) => _writer.MultiplyAdd(
        _writer.MultiplyAdd(token, ChannelsOfBlock(lanes), _channel.InBlock), sizeof(float), _middle);

    private void LeaveInTheMiddle(Register token, Register y)
    {
        Operand place = Operand.At(PlaceInTheMiddle(token));
        if (lanes == 1)
            _writer.Do("st.shared.f32", place, y);
        else
            _writer.DoIf(_writer.AreEqual(_channel.Part, 0), "st.shared.f32", place, y);
    }

    private void FinishSum(Register token, Register y)
    {
        PtxWriter w = _writer;
        Register sum = w.Add(y, w.Emit(RegisterKind.Float, "ld.shared.f32", Operand.At(PlaceInTheMiddle(token))));
        if (shape.OutputScale != 1)
            sum = w.Multiply(sum, shape.OutputScale);
        Register row = w.Add(token, _outputs.FirstRow), z = w.New(RegisterKind.Float);
        w.Load(predicate: null, "ld.global.nc", z, PlaceOfGate(row), shape.AreHalves);
        Store(token, row, _channel.Writes, w.Multiply(sum, w.Silu(z)));
    }

    /// <summary>Stores y of a direction in its own output, if it has the token.</summary>
    private void StoreOwn(Register step, Register y)
    {
        PtxWriter w = _writer;
        Register target = w.Emit(
            RegisterKind.Word, "ld.global.nc.b32",
            Operand.At(w.Address(_outputs.Targets!.Value, step, sizeof(int))));
        Register writes = w.Both(_channel.Writes, w.Less(w.Integer(-1), target));
        Register row = w.Add(target, _outputs.FirstRow);
        if (shape.HasGate)
        {
            Register z = w.Float(0);
            w.Load(writes, "ld.global.nc", z, PlaceOfGate(row), shape.AreHalves);
            y = w.Multiply(y, w.Silu(z));
        }
        Store(target, row, writes, y);
    }

    private Operand PlaceOfGate(Register row) => Operand.At(_writer.Address(
        _outputs.Gate!.Value, _writer.MultiplyAdd(row, shape.GateStride, _channel.Index), shape.ElementBytes));

    private void Store(Register token, Register row, Register writes, Register value)
    {
        PtxWriter w = _writer;
        Register index = w.MultiplyAdd(row, shape.OutputStride, _channel.Index);
        if (_outputs.Levels is { } levels)
        {
            Register level = levels.Level(value, levels.ReadRow(token, writes), _channel.LevelFactor);
            w.DoIf(writes, "st.global.u8", Operand.At(w.Address(_outputs.Output, index, 1)), level);
        }
        else
        {
            Operand place = Operand.At(w.Address(_outputs.Output, index, shape.ElementBytes));
            w.Store(writes, place, value, shape.AreHalves);
        }
    }

    /// <summary>The way of a thread through the tokens, and what its direction reads.</summary>
    private sealed record Direction(
        Register Sign, Register Start, Register FirstRow, Register U, Register Parameters, Register? Rows);

    /// <summary>The channel of a thread.</summary>
    private sealed record Channel(
        Register Index, Register InBlock, Register Writes, Register Part, Register? LevelFactor);

    /// <summary>What finished tokens need.</summary>
    private sealed record Outputs(
        Register? Gate, Register Output, Register FirstRow, Register? Targets, LevelWriter? Levels);
}
