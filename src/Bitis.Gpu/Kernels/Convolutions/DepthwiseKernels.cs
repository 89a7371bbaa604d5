using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Convolutions;

/// <summary>The depthwise convolution over a grid of tokens, with the SiLU behind it.</summary>
/// <remarks>
/// <code>
///   u[i, j] = SiLU(bias + Σ_mn w[m, n]·x[i − K/2 + m, j − K/2 + n])      zeros around the grid
///
///   a thread: one channel, 8 neighbours of a line        ┌─ 8 + K − 1 ─┐
///                                                        │ K lines     │ read once, into registers
///                                                        └─────────────┘
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
        shape => shape.Side is > 0 and <= MaxSide && shape.Side % 2 == 1,
        Emit,
        (shape, images) => new GpuGrid(
            (shape.Channels + Threads - 1) / Threads * shape.Height * Pieces(shape), images)));

    private static int Pieces(DepthwiseShape shape) => (shape.Width + TokensOfThread - 1) / TokensOfThread;

    private static PtxKernel Emit(DepthwiseShape shape, PtxTarget target)
    {
        var w = new PtxWriter(
            $"depthwise_{shape.Height}x{shape.Width}x{shape.Channels}_{shape.Side}"
                + (shape.ReadsHalves ? "_halves" : "") + (shape.QuantizesInput ? "_integers" : "")
                + (shape.WritesScanLevels ? "_scan" : "")
                + (shape.Levels.Count > 0 ? $"_levels_{shape.Levels.Count}" : ""),
            Threads);
        Register input = w.Parameter(ParameterKind.Pointer), weights = w.Parameter(ParameterKind.Pointer);
        Register output = w.Parameter(ParameterKind.Pointer);
        Register? biases = shape.HasBias ? w.Parameter(ParameterKind.Pointer) : null;
        Register? quantizers = shape.QuantizesInput ? w.Parameter(ParameterKind.Pointer) : null;
        Register? scanQuantizers = shape.WritesScanLevels ? w.Parameter(ParameterKind.Pointer) : null;
        (Register Target, LevelWriter Levels)[] levels = [.. shape.Levels.Select(
            levels => (w.Parameter(ParameterKind.Pointer), new LevelWriter(w, levels)))];
        (Register part, Register place) = w.Divide(w.Special("ctaid.x"), shape.Height * Pieces(shape));
        (Register line, Register piece) = w.Divide(place, Pieces(shape));
        Register first = w.Multiply(piece, TokensOfThread);
        Register channel = w.MultiplyAdd(part, Threads, w.Special("tid.x"));
        Register hasChannel = w.Less(channel, shape.Channels);
        channel = w.Select(hasChannel, channel, 0);
        Register token = w.MultiplyAdd(line, shape.Width, first);
        Register row = w.MultiplyAdd(w.Special("ctaid.y"), shape.Height * shape.Width, token);

        ChannelQuantizer? quantizer = quantizers is { } table
            ? ChannelQuantizer.Read(w, w.Address(table, channel, sizeof(float)), 0, shape.Channels)
            : null;
        Register? bias = biases is { } b ? w.LoadConstant(w.Address(b, channel, sizeof(float))) : null;
        Register[] sums = [.. Enumerable.Range(0, TokensOfThread).Select(_ => quantizer is null && bias is { } start
            ? w.Emit(RegisterKind.Float, "mov.f32", start)
            : w.Float(0))];
        AddLines(w, shape, new Window(input, weights, line, first, row, channel), quantizer, sums);

        ScanQuantizer? scan = scanQuantizers is { } scales
            ? ScanQuantizer.Read(w, w.Address(scales, channel, sizeof(float)), shape.Channels)
            : null;
        Register?[] factors = [.. levels.Select(of => of.Levels.ReadFactor(channel))];
        for (int t = 0; t < TokensOfThread; t++)
        {
            Register isInside = w.Both(hasChannel, w.Less(first, shape.Width - t));
            Register sum = quantizer is null ? sums[t] : quantizer.Scale(w, sums[t], bias);
            Register u = shape.HasSilu ? w.Silu(sum) : sum, ofToken = w.Add(row, t);
            Register index = w.MultiplyAdd(ofToken, shape.OutputStride, channel);
            Operand placeOfU = Operand.At(w.Address(output, index, shape.OutputBytes));
            if (scan is null)
                w.Store(isInside, placeOfU, u, shape.WritesHalves);
            else
                w.DoIf(isInside, "st.global.u8", placeOfU, scan.Level(w, u));
            for (int i = 0; i < levels.Length; i++)
            {
                Register levelIndex = w.MultiplyAdd(ofToken, shape.LevelStride, channel);
                LevelWriter.Row parameters = levels[i].Levels.ReadRow(w.Add(token, t), isInside);
                Register level = levels[i].Levels.Level(u, parameters, factors[i]);
                w.DoIf(isInside, "st.global.u8", Operand.At(w.Address(levels[i].Target, levelIndex, 1)), level);
            }
        }
        return w.Finish(target);
    }

    /// <summary>Adds the products of all lines under the kernel.</summary>
    private static void AddLines(
        PtxWriter w, DepthwiseShape shape, Window window, ChannelQuantizer? quantizer, Register[] sums)
    {
        int reach = shape.Side / 2, bytes = shape.ReadsHalves ? sizeof(ushort) : sizeof(float);
        Register taps = w.Address(window.Weights, window.Channel, sizeof(float));
        for (int m = 0; m < shape.Side; m++)
        {
            Register isLine = Lies(w, w.Add(window.Line, m - reach), shape.Height);
            Register row = w.Add(window.Row, (m - reach) * shape.Width);
            Register source = w.Address(
                window.Input, w.MultiplyAdd(row, shape.InputStride, window.Channel), bytes);
            var x = new Register[TokensOfThread + shape.Side - 1];
            for (int j = 0; j < x.Length; j++)
            {
                int offset = j - reach;
                x[j] = w.Float(0);
                Register isInside = w.Both(isLine, w.Less(window.First, shape.Width - offset));
                if (offset < 0)
                    isInside = w.Both(isInside, w.Less(w.Integer(-offset - 1), window.First));
                Operand place = Operand.At(source, offset * shape.InputStride * bytes);
                w.Load(isInside, "ld.global.nc", x[j], place, shape.ReadsHalves);
                if (quantizer is not null)
                    x[j] = quantizer.Center(w, x[j]);
            }
            for (int n = 0; n < shape.Side; n++)
            {
                Register tap = w.LoadConstant(taps, ((m * shape.Side) + n) * shape.Channels * sizeof(float));
                for (int t = 0; t < TokensOfThread; t++)
                    w.Do("fma.rn.f32", sums[t], tap, x[t + n], sums[t]);
            }
        }
    }

    private static Register Lies(PtxWriter w, Register coordinate, int size) =>
        w.Both(w.Less(w.Integer(-1), coordinate), w.Less(coordinate, size));

    /// <summary>Where a thread reads.</summary>
    private sealed record Window(
        Register Input, Register Weights, Register Line, Register First, Register Row, Register Channel);
}
