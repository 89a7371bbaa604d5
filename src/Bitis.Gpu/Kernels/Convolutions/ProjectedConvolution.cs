using Bitis.Gpu.Kernels.Products;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Convolutions;

/// <summary>Writes a block's convolutions along the tokens, SiLU, levels, and the projections behind them.</summary>
/// <remarks>
/// A block of threads has one image, one direction, a tile of tokens and all channels. It leaves u, or its levels, in
/// memory for the scan, and what the projection multiplies in shared memory only.
/// <code>
///                    all channels: K of the product
///               ┌──────────┬──────────┬─ ─ ─┐
///    16 tokens  │ 32 pairs │ 32 pairs │     │     a warp has 32 pairs of channels of 16 tokens at a time;
///               ├──────────┼──────────┼─ ─ ─┤     a thread a pair: its window slides over the tokens in the
///    16 tokens  │          │          │     │     order of the direction
///               └──────────┴──────────┴─ ─ ─┘
///                          │ barrier, ldmatrix
///                          ▼                        the copies of the weights' first stages began before
///               tokens × N: Δ's input, B, C         <see cref="TensorCoreSums"/>
/// </code>
/// The arithmetic is that of <see cref="ConvolutionKernels"/>, in the same order, so u has the same bits.
/// </remarks>
internal sealed class ProjectedConvolution
{
    /// <summary>The most threads of a block that leave registers for a second block: 128 for each thread.</summary>
    private const int ThreadsOfTwo = 256;

    private const int TokensOfThread = 16;

    private readonly ProjectedConvolutionShape _shape;
    private readonly ConvolutionShape _convolution;
    private readonly ProductTile _tile;
    private readonly PtxWriter _writer;
    private readonly int _pairs;
    private Parameters _parameters = null!;
    private Place _block = null!;
    private Register _memory;
    private SharedRows _layout = null!;

    /// <summary>Prepares the kernel.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="tile">The tile of the product, whose rows are tokens.</param>
    public ProjectedConvolution(ProjectedConvolutionShape shape, ProductTile tile)
    {
        (_shape, _convolution, _tile) = (shape, shape.Convolution, tile);
        // Whole warps have the same tokens.
        _pairs = ((shape.PaddedChannels / 2) + PtxWriter.WarpSize - 1) / PtxWriter.WarpSize * PtxWriter.WarpSize;
        string convolution = (_convolution.AreHalves ? "_halves" : "")
            + (_convolution.QuantizesInput ? "_integers" : "")
            + (_convolution.ReadsLevels ? "_of_levels" : "") + (_convolution.WritesScanLevels ? "_scan" : "");
        _writer = new PtxWriter(
            $"projected_convolutions_{_convolution.Tokens}x{_convolution.Taps}{convolution}"
                + $"_{shape.Projection.EntryName}_{tile.Rows}",
            tile.Threads, tile.Threads <= ThreadsOfTwo ? 2 : 1)
        {
            HasFastFunctions = _convolution.AreHalves,
        };
    }

    private int Before => _convolution.Taps - 1;

    /// <summary>Writes the kernel.</summary>
    public PtxKernel Emit(PtxTarget target)
    {
        PtxWriter w = _writer;
        LinearShape projection = _shape.Projection;
        ReadConvolution();
        Register weights = w.Parameter(ParameterKind.Pointer), output = w.Parameter(ParameterKind.Pointer);
        Register offsetOfOutput = w.Parameter(ParameterKind.Integer);
        var epilogue = new LinearEpilogue(w, projection, output);
        var sums = new TensorCoreSums(w, projection, _tile);
        FindBlock();
        Register direction = _block.Direction, firstToken = _block.FirstToken, zero = w.Integer(0);
        Register outputs = w.MultiplyAdd(
            _block.FirstRow, projection.OutputStride, w.Multiply(direction, offsetOfOutput));
        epilogue.EnterGroup(direction, outputs, w.Multiply(direction, _convolution.Tokens));
        (_memory, _layout) = sums.HoldInput();
        sums.StreamWeights(w.Address(weights, direction, projection.Outputs * projection.WeightStride), zero);
        sums.Begin();
        Convolve();
        sums.Multiply();
        sums.Finish(epilogue, w.Integer(_convolution.Tokens), firstToken, zero);
        return w.Finish(target);
    }

    /// <summary>Reads the parameters of the convolutions, in the order of the operands.</summary>
    private void ReadConvolution()
    {
        PtxWriter w = _writer;
        Register input = w.Parameter(ParameterKind.Pointer), weights = w.Parameter(ParameterKind.Pointer);
        Register biases = w.Parameter(ParameterKind.Pointer), u = w.Parameter(ParameterKind.Pointer);
        Register offsetOfU = w.Parameter(ParameterKind.Integer);
        Register? quantizers = _convolution.QuantizesInput ? w.Parameter(ParameterKind.Pointer) : null;
        Register? scan = _convolution.WritesScanLevels ? w.Parameter(ParameterKind.Pointer) : null;
        LevelWriter? levels = _convolution.Levels is null ? null : new LevelWriter(w, _convolution.Levels);
        _parameters = new Parameters(
            input, u, offsetOfU, levels,
            new ConvolutionChannel.Tables(weights, biases, quantizers, scan, levels?.Factors));
    }

    /// <summary>Finds the block's tile. Both directions of a tile are neighbours and read the same x.</summary>
    private void FindBlock()
    {
        PtxWriter w = _writer;
        Register block = w.Special("ctaid.x"), direction = w.And(block, 1);
        Register isBackward = w.AreEqual(direction, 1);
        _block = new Place(
            direction, isBackward, w.Select(isBackward, -1, 1), w.Multiply(w.ShiftRight(block, 1), _tile.Rows),
            w.Multiply(w.Special("ctaid.y"), _convolution.Tokens), w.Special("tid.x"));
    }

    /// <summary>Computes u of the whole tile.</summary>
    private void Convolve()
    {
        PtxWriter w = _writer;
        int items = _pairs * (_tile.Rows / TokensOfThread);
        Register done = w.Integer(0);
        w.Loop(done, items, _tile.Threads, () =>
        {
            Register item = w.Add(done, _block.Thread);
            w.IfUniform(w.Less(item, items), () => ConvolveItem(item));
        });
    }

    /// <summary>Computes a pair of channels of 16 tokens.</summary>
    private void ConvolveItem(Register item)
    {
        PtxWriter w = _writer;
        ConvolutionShape shape = _convolution;
        (Register group, Register pair) = w.Divide(item, _pairs);
        Register channel = w.ShiftLeft(pair, 1), hasChannel = w.Less(channel, shape.Channels);
        Register safe = w.Select(hasChannel, channel, 0), direction = _block.Direction, sign = _block.Sign;
        // The token of the first step, in the tile and in the image.
        Register row = w.MultiplyAdd(group, TokensOfThread, w.Select(_block.IsBackward, TokensOfThread - 1, 0));
        Register token = w.Add(_block.FirstToken, row), place = w.Add(_block.FirstRow, token);

        ConvolutionChannel[] channels = ConvolutionChannel.Read(
            w, shape.Channels, shape.Taps, _parameters.Tables,
            rows => w.MultiplyAdd(direction, rows * shape.Channels, safe), count: 2);
        Register[][] window = ReadWindow(token, place, safe, channels);
        if (!shape.ReadsLevels)
            window = [.. channels.Zip(window, (of, values) => of.Prepare(w, values))];

        Register first = w.MultiplyAdd(place, shape.OutputStride, w.MultiplyAdd(
            direction, _parameters.OffsetOfU, safe));
        Register target = w.Address(_parameters.Output, first, shape.OutputBytes), step = StepOf(
            shape.OutputStride * shape.OutputBytes);
        Register isOperand = w.Less(channel, _shape.PaddedChannels);
        Register byteOfRow = w.Multiply(channel, _shape.OperandBytes);
        Register piece = w.MultiplyAdd(
            w.ShiftRight(byteOfRow, int.Log2(_layout.RowBytes)), _tile.Rows * _layout.RowBytes, _memory);
        Register chunk = w.And(w.ShiftRight(byteOfRow, 4), _layout.Chunks - 1);
        Register inChunk = w.And(byteOfRow, LinearShape.ChunkBytes - 1);
        for (int t = 0; t < TokensOfThread; t++)
        {
            Register own = w.MultiplyAdd(sign, t, token), isToken = w.Less(own, shape.Tokens);
            Register[] u = [.. channels.Zip(window, (of, values) => of.Output(w, values.Skip(t).Take(shape.Taps)))];
            Register? halves = shape.AreHalves && !shape.WritesScanLevels ? w.PackHalves(u[0], u[1]) : null;
            StoreOutput(w.Both(hasChannel, isToken), Operand.At(target), channels, u, halves);
            if (t + 1 < TokensOfThread)
                target = w.Add(target, step);
            Register operand = OperandOf(own, isToken, channels, u, halves);
            if (_shape.PaddedChannels > shape.Channels)
                operand = w.Select(hasChannel, operand, 0);
            Register inTile = w.MultiplyAdd(sign, t, row);
            Register address = w.Add(_layout.Place(w, piece, inTile, chunk), inChunk);
            string store = _shape.OperandBytes == 1 ? "st.shared.u16" : "st.shared.b32";
            if (_shape.PaddedChannels == 2 * _pairs)
                w.Do(store, Operand.At(address), operand);
            else
                w.DoIf(isOperand, store, Operand.At(address), operand);
        }
    }

    /// <summary>The values of both channels that the tokens' taps meet, in the direction's order.</summary>
    private Register[][] ReadWindow(Register token, Register place, Register channel, ConvolutionChannel[] channels)
    {
        PtxWriter w = _writer;
        ConvolutionShape shape = _convolution;
        int bytes = shape.InputStride * shape.InputBytes;
        Register source = w.Address(
            _parameters.Input, w.MultiplyAdd(place, shape.InputStride, channel), shape.InputBytes);
        source = w.Address(source, _block.Sign, -Before * bytes);
        Register step = StepOf(bytes);
        var window = new Register[TokensOfThread + Before][];
        for (int i = 0; i < window.Length; i++)
        {
            Register other = w.MultiplyAdd(_block.Sign, i - Before, token);
            Register isInside = w.Both(w.Less(w.Integer(-1), other), w.Less(other, shape.Tokens));
            window[i] = [w.Float(0), w.Float(0)];
            if (shape.ReadsLevels)
                window[i] = ReadLevels(isInside, source, channels);
            else
                w.LoadVector(isInside, "ld.global.nc", window[i], Operand.At(source), shape.AreHalves);
            if (i + 1 < window.Length)
                source = w.Add(source, step);
        }
        return [[.. window.Select(pair => pair[0])], [.. window.Select(pair => pair[1])]];
    }

    /// <summary>Centered levels of both channels, 0 outside of the sequence.</summary>
    private Register[] ReadLevels(Register isInside, Register source, ConvolutionChannel[] channels)
    {
        PtxWriter w = _writer;
        Register pair = w.Integer(0);
        w.DoIf(isInside, "ld.global.nc.u16", pair, Operand.At(source));
        Register[] levels = [w.And(pair, byte.MaxValue), w.ShiftRight(pair, 8)];
        return [.. levels.Zip(channels, (level, of) => w.Emit(
            RegisterKind.Float, "selp.f32", w.Add(w.ToFloat(level), of.Quantizer!.Lowest), 0f, isInside))];
    }

    private void StoreOutput(
        Register isInside, Operand target, ConvolutionChannel[] channels, Register[] u, Register? halves)
    {
        PtxWriter w = _writer;
        if (_convolution.WritesScanLevels)
        {
            w.StoreLevels(isInside, target, [.. channels.Zip(u, (of, value) => of.Scan!.Level(w, value))]);
        }
        else if (halves is { } word)
        {
            w.DoIf(isInside, "st.global.b32", target, word);
        }
        else
        {
            w.StoreVector(isInside, target, u, areHalves: false);
        }
    }

    /// <summary>What the product reads for two channels of a token.</summary>
    private Register OperandOf(
        Register token, Register isToken, ConvolutionChannel[] channels, Register[] u, Register? halves)
    {
        if (_parameters.Levels is not { } levels)
            return halves!.Value;
        PtxWriter w = _writer;
        LevelWriter.Row row = levels.ReadRow(
            w.MultiplyAdd(_block.Direction, _convolution.Tokens, token), isToken);
        return w.PackLevels(
            levels.Level(u[0], row, channels[0].LevelFactor), levels.Level(u[1], row, channels[1].LevelFactor));
    }

    /// <summary>The bytes from a token to the next one of the direction, as an address.</summary>
    private Register StepOf(int bytes) => _writer.Emit(RegisterKind.Long, "mul.wide.s32", _block.Sign, bytes);

    /// <summary>What the kernel is given for the convolutions.</summary>
    private sealed record Parameters(
        Register Input, Register Output, Register OffsetOfU, LevelWriter? Levels, ConvolutionChannel.Tables Tables);

    /// <summary>Which part a block computes.</summary>
    private sealed record Place(
        Register Direction, Register IsBackward, Register Sign, Register FirstToken, Register FirstRow,
        Register Thread);
}
