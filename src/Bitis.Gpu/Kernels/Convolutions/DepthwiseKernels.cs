using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Convolutions;

/// <summary>The depthwise convolution over a grid of tokens, with the SiLU behind it.</summary>
/// <remarks>
/// <code>
///   u[i, j] = SiLU(bias + Σ_mn w[m, n]·x[i − K/2 + m, j − K/2 + n])      zeros around the grid
///
///   a thread: one or two channels of 8 neighbours of a line        ┌─ 8 + K − 1 ─┐
///                                                                  │ K lines     │ read once, into registers
///                                                                  └─────────────┘
/// </code>
/// In quantized layers x and w are levels less their zero points, as in <see cref="ConvolutionKernels"/>. Each layer
/// that reads levels of u, such as the projections of four directions, may have levels of its own.
/// </remarks>
internal static class DepthwiseKernels
{
    private const int Threads = 128, TokensOfThread = 8, MaxSide = 7;

    /// <summary>The ways to compute the convolution.</summary>
    public static GpuKernelTable<DepthwiseShape> Table { get; } = new(new GpuKernelRow<DepthwiseShape>(
        "depthwise-line-window",
        PtxTarget.Sm80.Capability,
        shape => shape.Side is > 0 and <= MaxSide && shape.Side % 2 == 1 && shape.Channels % shape.AtOnce == 0
            && shape.InputStride % shape.AtOnce == 0 && shape.OutputStride % shape.AtOnce == 0,
        Emit,
        (shape, images) => new GpuGrid(
            ((shape.Channels / shape.AtOnce * shape.Height * Pieces(shape)) + Threads - 1) / Threads, images)));

    private static int Pieces(DepthwiseShape shape) => (shape.Width + TokensOfThread - 1) / TokensOfThread;

    private static PtxKernel Emit(DepthwiseShape shape, PtxTarget target)
    {
        var w = new PtxWriter(
            $"depthwise_{shape.Height}x{shape.Width}x{shape.Channels}_{shape.Side}"
                + (shape.ReadsHalves ? "_halves" : "") + (shape.QuantizesInput ? "_integers" : "")
                + (shape.WritesScanLevels ? "_scan" : "")
                + (shape.Levels.Count > 0 ? $"_levels_{shape.Levels.Count}" : ""),
            Threads)
        {
            HasFastFunctions = shape.ReadsHalves,
        };
        Register input = w.Parameter(ParameterKind.Pointer), weights = w.Parameter(ParameterKind.Pointer);
        Register output = w.Parameter(ParameterKind.Pointer);
        Register? biases = shape.HasBias ? w.Parameter(ParameterKind.Pointer) : null;
        Register? quantizers = shape.QuantizesInput ? w.Parameter(ParameterKind.Pointer) : null;
        Register? scanQuantizers = shape.WritesScanLevels ? w.Parameter(ParameterKind.Pointer) : null;
        (Register Target, LevelWriter Levels)[] levels = [.. shape.Levels.Select(
            levels => (w.Parameter(ParameterKind.Pointer), new LevelWriter(w, levels)))];
        Register item = w.MultiplyAdd(w.Special("ctaid.x"), Threads, w.Special("tid.x"));
        (Register place, Register part) = w.Divide(item, shape.Channels / shape.AtOnce);
        (Register line, Register piece) = w.Divide(place, Pieces(shape));
        Register hasItem = w.Less(line, shape.Height), first = w.Multiply(piece, TokensOfThread);
        Register channel = shape.AtOnce == 1 ? part : w.Multiply(part, shape.AtOnce);
        Register token = w.MultiplyAdd(line, shape.Width, first);
        Register row = w.MultiplyAdd(w.Special("ctaid.y"), shape.Height * shape.Width, token);

        Register[][] Rows(Register table, int count) => [.. Enumerable.Range(0, count).Select(i => w.LoadConstants(
            w.Address(table, channel, sizeof(float)), i * shape.Channels * sizeof(float), shape.AtOnce))];
        Register[][] grids = quantizers is { } table ? Rows(table, 4) : [];
        Register[][] scans = scanQuantizers is { } scales ? Rows(scales, 3) : [];
        Register[]? bias = biases is { } b ? Rows(b, 1)[0] : null;
        Channel[] channels = [.. Enumerable.Range(0, shape.AtOnce).Select(i => new Channel(
            grids.Length == 0 ? null : new ChannelQuantizer(grids[0][i], grids[1][i], grids[2][i], grids[3][i]),
            bias?[i],
            scans.Length == 0 ? null : new ScanQuantizer(scans[0][i], scans[1][i], scans[2][i]),
            [.. Enumerable.Range(0, TokensOfThread).Select(_ => grids.Length == 0 && bias is not null
                ? w.Emit(RegisterKind.Float, "mov.f32", bias[i])
                : w.Float(0))]))];
        AddLines(w, shape, new Window(input, weights, line, first, row, channel), channels);

        Register?[][] factors = [.. levels.Select(of => Enumerable.Range(0, shape.AtOnce).Select(
            i => of.Levels.ReadFactor(i == 0 ? channel : w.Add(channel, i))).ToArray())];
        for (int t = 0; t < TokensOfThread; t++)
        {
            Register isInside = w.Both(hasItem, w.Less(first, shape.Width - t)), ofToken = w.Add(row, t);
            Register[] u = [.. channels.Select(of => of.Output(w, t, shape.HasSilu))];
            Register index = w.MultiplyAdd(ofToken, shape.OutputStride, channel);
            Operand placeOfU = Operand.At(w.Address(output, index, shape.OutputBytes));
            if (shape.WritesScanLevels)
                w.StoreLevels(isInside, placeOfU, [.. channels.Zip(u, (of, value) => of.Scan!.Level(w, value))]);
            else
                w.StoreVector(isInside, placeOfU, u, shape.WritesHalves);
            for (int i = 0; i < levels.Length; i++)
            {
                LevelWriter writer = levels[i].Levels;
                Register levelIndex = w.MultiplyAdd(ofToken, shape.LevelStride, channel);
                LevelWriter.Row parameters = writer.ReadRow(w.Add(token, t), isInside);
                w.StoreLevels(
                    isInside, Operand.At(w.Address(levels[i].Target, levelIndex, 1)),
                    [.. u.Zip(factors[i], (value, factor) => writer.Level(value, parameters, factor))]);
            }
        }
        return w.Finish(target);
    }

    /// <summary>Adds the products of all lines under the kernel.</summary>
    private static void AddLines(PtxWriter w, DepthwiseShape shape, Window window, Channel[] channels)
    {
        int reach = shape.Side / 2, bytes = shape.ReadsHalves ? sizeof(ushort) : sizeof(float);
        Register taps = w.Address(window.Weights, window.Channel, sizeof(float));
        for (int m = 0; m < shape.Side; m++)
        {
            Register isLine = Lies(w, w.Add(window.Line, m - reach), shape.Height);
            Register row = w.Add(window.Row, (m - reach) * shape.Width);
            Register source = w.Address(
                window.Input, w.MultiplyAdd(row, shape.InputStride, window.Channel), bytes);
            var x = new Register[TokensOfThread + shape.Side - 1][];
            for (int j = 0; j < x.Length; j++)
            {
                int offset = j - reach;
                x[j] = [.. channels.Select(_ => w.Float(0))];
                Register isInside = w.Both(isLine, w.Less(window.First, shape.Width - offset));
                if (offset < 0)
                    isInside = w.Both(isInside, w.Less(w.Integer(-offset - 1), window.First));
                Operand place = Operand.At(source, offset * shape.InputStride * bytes);
                w.LoadVector(isInside, "ld.global.nc", x[j], place, shape.ReadsHalves);
                x[j] = [.. channels.Zip(x[j], (of, value) => of.Quantizer?.Center(w, value) ?? value)];
            }
            for (int n = 0; n < shape.Side; n++)
            {
                Register[] tap = w.LoadConstants(
                    taps, ((m * shape.Side) + n) * shape.Channels * sizeof(float), channels.Length);
                for (int t = 0; t < TokensOfThread; t++)
                {
                    for (int c = 0; c < channels.Length; c++)
                        w.Do("fma.rn.f32", channels[c].Sums[t], tap[c], x[t + n][c], channels[c].Sums[t]);
                }
            }
        }
    }

    private static Register Lies(PtxWriter w, Register coordinate, int size) =>
        w.Both(w.Less(w.Integer(-1), coordinate), w.Less(coordinate, size));

    /// <summary>What a thread has of a channel.</summary>
    private sealed record Channel(
        ChannelQuantizer? Quantizer, Register? Bias, ScanQuantizer? Scan, Register[] Sums)
    {
        /// <summary>The output of a token.</summary>
        public Register Output(PtxWriter w, int token, bool hasSilu)
        {
            Register sum = Quantizer is null ? Sums[token] : Quantizer.Scale(w, Sums[token], Bias);
            return hasSilu ? w.Silu(sum) : sum;
        }
    }

    /// <summary>Where a thread reads.</summary>
    private sealed record Window(
        Register Input, Register Weights, Register Line, Register First, Register Row, Register Channel);
}
