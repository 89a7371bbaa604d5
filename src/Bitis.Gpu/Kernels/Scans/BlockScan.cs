using Bitis.Gpu.Kernels.Products;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Scans;

/// <summary>Writes both scans of a block, with what stands before and behind them.</summary>
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
/// <c>lanes</c> neighbouring threads share the states of a channel, which stay in registers. δ, B and C of eight tokens
/// come to shared memory by asynchronous copies, while the eight before are computed.
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
            + (shape.DeltaMaxLevel is null ? "" : "_delta") + (shape.Levels is null ? "" : "_states")
            + (shape.AreHalves ? "_halves" : "") + (shape.WritesLevels ? "_levels" : ""),
        2 * ThreadsOfDirection);

    private DeltaProjection _delta = null!;
    private ScanStates _states = null!;
    private Direction _direction = null!;
    private Channel _channel = null!;
    private Outputs _outputs = null!;
    private Register _tiles;
    private Register _middle;

    private static int ChannelsOfBlock(int lanes) => ThreadsOfDirection / lanes;

    /// <summary>The tokens from the beginning to the middle.</summary>
    private int Half => (shape.Tokens + 1) / 2;

    /// <summary>The bytes of a direction's tile.</summary>
    private int TileBytes => TokensOfTile * shape.ParameterStride * sizeof(float);

    /// <summary>The shared memory of a block.</summary>
    public static int SharedBytes(ScanShape shape, int lanes) =>
        (4 * TokensOfTile * shape.ParameterStride * sizeof(float))
            + (shape.Tokens * ChannelsOfBlock(lanes) * sizeof(float))
            + (shape.DeltaMaxLevel is null ? 0 : LevelDelta.SharedBytes(shape))
            + (shape.Levels is null ? 0 : LevelStates.SharedBytes);

    /// <summary>Writes the kernel.</summary>
    public PtxKernel Emit(PtxTarget target)
    {
        PtxWriter w = _writer;
        Register thread = w.Special("tid.x"), image = w.Special("ctaid.y");
        Register place = w.And(thread, ThreadsOfDirection - 1), backward = w.ShiftRight(thread, 6);
        Register[] p = [.. Enumerable.Range(0, 6).Select(_ => w.Parameter(ParameterKind.Pointer))];
        _delta = shape.DeltaMaxLevel is null ? new FloatDelta(w, shape) : new LevelDelta(w, shape, place, backward);
        _states = shape.Levels is null
            ? new FloatStates(w, shape, lanes)
            : new LevelStates(w, shape, lanes, place, backward);
        _delta.ReadParameters();
        _states.ReadParameters();
        Register? inverseScales = shape.WritesLevels ? w.Parameter(ParameterKind.Pointer) : null;
        Register? zeroPoints = shape.WritesLevels ? w.Parameter(ParameterKind.Pointer) : null;
        Register isForward = w.AreEqual(backward, 0);
        Register memory = w.SharedBase();
        int tiles = w.Reserve(4 * TileBytes);
        _middle = w.Add(memory, w.Reserve(shape.Tokens * ChannelsOfBlock(lanes) * sizeof(float)));
        _tiles = w.MultiplyAdd(backward, 2 * TileBytes, w.Add(memory, tiles));

        _direction = new Direction(
            w.Select(isForward, 1, -1), w.Select(isForward, 0, shape.Tokens - 1),
            w.Multiply(image, shape.Tokens), place, w.Emit(RegisterKind.Long, "selp.b64", p[2], p[3], isForward));
        Register inBlock = w.ShiftRight(place, int.Log2(lanes));
        Register channel = w.MultiplyAdd(w.Special("ctaid.x"), ChannelsOfBlock(lanes), inBlock);
        Register isInside = w.Less(channel, shape.Channels);
        channel = w.Select(isInside, channel, shape.Channels - 1); // Threads without a channel repeat the last one.
        _channel = ReadChannel(
            channel, inBlock, isInside, w.And(place, lanes - 1), w.MultiplyAdd(backward, shape.Channels, channel),
            w.Emit(RegisterKind.Long, "selp.b64", p[0], p[1], isForward));
        _outputs = new Outputs(p[4], p[5], inverseScales, zeroPoints);

        Phase(w.Integer(0), w.Select(isForward, Half, shape.Tokens - Half), LeaveInTheMiddle);
        Register done = w.Select(isForward, Half, shape.Tokens - Half);
        Phase(done, w.Select(isForward, shape.Tokens - Half, Half), Finish);
        return w.Finish(target);
    }

    private Channel ReadChannel(
        Register index, Register inBlock, Register isInside, Register part, Register row, Register u)
    {
        _delta.ReadChannel(row);
        _states.ReadChannel(row, index, part);
        Register writes = lanes == 1 ? isInside : _writer.Both(isInside, _writer.AreEqual(part, 0));
        return new Channel(index, inBlock, writes, part, u);
    }

    /// <summary>One half of the way of both directions.</summary>
    /// <param name="first">The steps that a direction has made.</param>
    /// <param name="count">The steps that it makes.</param>
    /// <param name="finish">What happens with y of a token.</param>
    private void Phase(Register first, Register count, Action<Register, Register> finish)
    {
        PtxWriter w = _writer;
        Register done = w.Integer(0), stage = w.Integer(0);
        Copy(first, done, count, stage);
        w.Do("cp.async.commit_group");
        w.Loop(done, Half, TokensOfTile, () =>
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
            w.Barrier(); // All have read the tile; after the last one, all y of this half are there.
            w.Do("mov.b32", stage, other);
        });
    }

    /// <summary>The token of a step.</summary>
    private Register Token(Register first, Register step) => _writer.MultiplyAdd(
        _writer.Add(first, step), _direction.Sign, _direction.Start);

    private Register ReadInput(Register first, Register done, Register count, int i)
    {
        PtxWriter w = _writer;
        Register step = w.Add(done, i), isInside = w.Less(step, count);
        Register row = w.Add(Token(first, step), _direction.FirstRow);
        Register index = w.MultiplyAdd(row, shape.InputStride, _channel.Index);
        Register u = w.Float(0);
        Operand source = Operand.At(w.Address(_channel.U, index, shape.ElementBytes));
        w.Load(isInside, "ld.global.nc", u, source, shape.AreHalves);
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
            Register chunk = w.Add(_direction.Place, begun);
            // chunk / chunksOfRow by a multiplication: exact for these small numbers.
            Register row = w.ShiftRight(w.Multiply(chunk, ((1 << 16) / chunksOfRow) + 1), 16);
            Register column = w.Subtract(chunk, w.Multiply(row, chunksOfRow));
            Register step = w.Add(done, row);
            Register isInside = w.Both(w.Less(step, count), w.Less(chunk, TokensOfTile * chunksOfRow));
            Register source = w.Address(
                w.Address(
                    _direction.Parameters, w.Add(Token(first, step), _direction.FirstRow),
                    shape.ParameterStride * sizeof(float)),
                column, LinearShape.ChunkBytes);
            Register target = w.MultiplyAdd(chunk, LinearShape.ChunkBytes, w.Add(_tiles, stage));
            Register bytes = w.Select(w.AreEqual(column, chunksOfRow - 1), lastBytes, LinearShape.ChunkBytes);
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

    private void Finish(Register token, Register y)
    {
        PtxWriter w = _writer;
        Register sum = w.Add(y, w.Emit(RegisterKind.Float, "ld.shared.f32", Operand.At(PlaceInTheMiddle(token))));
        if (shape.OutputScale != 1)
            sum = w.Multiply(sum, shape.OutputScale);
        Register row = w.Add(token, _direction.FirstRow);
        Register z = w.New(RegisterKind.Float), ofGate = w.MultiplyAdd(row, shape.GateStride, _channel.Index);
        Operand gate = Operand.At(w.Address(_outputs.Gate, ofGate, shape.ElementBytes));
        w.Load(predicate: null, "ld.global.nc", z, gate, shape.AreHalves);
        Register gated = w.Multiply(sum, w.Silu(z));
        Register index = w.MultiplyAdd(row, shape.OutputStride, _channel.Index);
        if (_outputs.InverseScales is { } scales && _outputs.ZeroPoints is { } zeros)
        {
            Register scale = w.LoadConstant(w.Address(scales, token, sizeof(float)));
            Register zero = w.LoadConstant(w.Address(zeros, token, sizeof(float)));
            Register level = w.Quantize(gated, scale, zero, shape.MaxLevel);
            w.DoIf(_channel.Writes, "st.global.u8", Operand.At(w.Address(_outputs.Output, index, 1)), level);
        }
        else
        {
            Operand target = Operand.At(w.Address(_outputs.Output, index, shape.ElementBytes));
            w.Store(_channel.Writes, target, gated, shape.AreHalves);
        }
    }

    /// <summary>The way of a thread through the tokens, and what its direction reads.</summary>
    private sealed record Direction(
        Register Sign, Register Start, Register FirstRow, Register Place, Register Parameters);

    /// <summary>The channel of a thread.</summary>
    private sealed record Channel(Register Index, Register InBlock, Register Writes, Register Part, Register U);

    /// <summary>What finished tokens need.</summary>
    private sealed record Outputs(Register Gate, Register Output, Register? InverseScales, Register? ZeroPoints);
}
