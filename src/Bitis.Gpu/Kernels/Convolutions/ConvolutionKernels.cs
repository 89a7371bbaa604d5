using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Convolutions;

/// <summary>The convolutions along the tokens before the scans of both directions, with the SiLU behind them.</summary>
/// <remarks>
/// <code>
///   u_forward[t]  = SiLU(bias + Σ_k w[k]·x[t − (K−1) + k])
///   u_backward[t] = SiLU(bias + Σ_k w[k]·x[t + (K−1) − k])      the same of the reversed tokens, in place
/// </code>
/// In quantized layers x and w are levels less their zero points: whole numbers, whose sums are exact in float32.
/// <code>
///   q    = clamp(round(x·(1/s)), lowest, highest)
///   u[t] = SiLU((Σ_k w[k]·q[...])·scale + bias)                          every product and sum rounded, as on the CPU
/// </code>
/// A thread has a channel and 16 tokens, whose values and neighbours it reads once for both directions. Tokens outside
/// the sequence are zeros. Where the next layer reads levels, each value becomes one at once.
/// </remarks>
internal static class ConvolutionKernels
{
    /// <summary>The most taps, whose window fits registers.</summary>
    public const int MaxTaps = 8;

    private const int Threads = 128, TokensOfThread = 16;

    /// <summary>The ways to compute the convolutions.</summary>
    public static GpuKernelTable<ConvolutionShape> Table { get; } = new(new GpuKernelRow<ConvolutionShape>(
        "convolutions-token-window",
        PtxTarget.Sm80.Capability,
        shape => shape.Taps is > 0 and <= MaxTaps,
        Emit,
        (shape, images) => new GpuGrid((shape.Channels + Threads - 1) / Threads * Pieces(shape), images)));

    private static int Pieces(ConvolutionShape shape) => (shape.Tokens + TokensOfThread - 1) / TokensOfThread;

    private static PtxKernel Emit(ConvolutionShape shape, PtxTarget target)
    {
        var w = new PtxWriter(
            $"convolutions_{shape.Tokens}x{shape.Channels}x{shape.Taps}"
                + (shape.AreHalves ? "_halves" : "") + (shape.QuantizesInput ? "_integers" : "")
                + (shape.ReadsLevels ? "_of_levels" : "") + (shape.WritesScanLevels ? "_scan" : "")
                + (shape.Levels is null ? "" : "_levels"),
            Threads)
        {
            HasFastFunctions = shape.AreHalves,
        };
        Register input = w.Parameter(ParameterKind.Pointer), weights = w.Parameter(ParameterKind.Pointer);
        Register biases = w.Parameter(ParameterKind.Pointer), forward = w.Parameter(ParameterKind.Pointer);
        Register backward = w.Parameter(ParameterKind.Pointer);
        Register? quantizers = shape.QuantizesInput ? w.Parameter(ParameterKind.Pointer) : null;
        Register? scanQuantizers = shape.WritesScanLevels ? w.Parameter(ParameterKind.Pointer) : null;
        Register[] outputs = shape.Levels is null
            ? []
            : [w.Parameter(ParameterKind.Pointer), w.Parameter(ParameterKind.Pointer)];
        LevelWriter? levels = shape.Levels is null ? null : new LevelWriter(w, shape.Levels);
        (Register part, Register piece) = w.Divide(w.Special("ctaid.x"), Pieces(shape));
        Register channel = w.MultiplyAdd(part, Threads, w.Special("tid.x"));
        Register hasChannel = w.Less(channel, shape.Channels);
        channel = w.Select(hasChannel, channel, 0);
        Register first = w.Multiply(piece, TokensOfThread), row = w.MultiplyAdd(
            w.Special("ctaid.y"), shape.Tokens, first);

        int before = shape.Taps - 1;
        Register source = w.Address(input, w.MultiplyAdd(row, shape.InputStride, channel), shape.InputBytes);
        // Levels of x are the same in both directions.
        Register? lowest = shape.ReadsLevels
            ? w.LoadConstant(w.Address(quantizers!.Value, w.Add(channel, shape.Channels), sizeof(float)))
            : null;
        Register[] x = [.. Enumerable.Range(-before, TokensOfThread + (2 * before)).Select(
            i => ReadToken(w, shape, source, first, i, lowest))];
        Register index = w.MultiplyAdd(row, shape.OutputStride, channel);
        var tables = new ConvolutionChannel.Tables(weights, biases, quantizers, scanQuantizers, levels?.Factors);
        for (int direction = 0; direction < 2; direction++)
        {
            int d = direction;
            ConvolutionChannel of = ConvolutionChannel.Read(
                w, shape.Channels, shape.Taps, tables, rows => w.Add(channel, d * rows * shape.Channels))[0];
            // The values that the direction's taps meet.
            int start = direction * before;
            Register[] values = x[start..(start + TokensOfThread + before)];
            if (!shape.ReadsLevels)
                values = of.Prepare(w, values);
            Register output = w.Address(direction == 0 ? forward : backward, index, shape.OutputBytes);
            for (int t = 0; t < TokensOfThread; t++)
            {
                IEnumerable<Register> met = values.Skip(t).Take(shape.Taps);
                Register u = of.Output(w, direction == 0 ? met : met.Reverse());
                Register isInside = w.Both(hasChannel, w.Less(first, shape.Tokens - t));
                Operand placeOfU = Operand.At(output, t * shape.OutputStride * shape.OutputBytes);
                if (of.Scan is { } scan)
                    w.DoIf(isInside, "st.global.u8", placeOfU, scan.Level(w, u));
                else
                    w.Store(isInside, placeOfU, u, shape.AreHalves);
                if (levels is null)
                    continue;
                Register levelIndex = w.MultiplyAdd(w.Add(row, t), shape.LevelStride, channel);
                LevelWriter.Row ofToken = levels.ReadRow(w.Add(first, (direction * shape.Tokens) + t), isInside);
                Operand place = Operand.At(w.Address(outputs[direction], levelIndex, 1));
                w.DoIf(isInside, "st.global.u8", place, levels.Level(u, ofToken, of.LevelFactor));
            }
        }
        return w.Finish(target);
    }

    /// <summary>A token of the window, 0 outside of the sequence.</summary>
    private static Register ReadToken(
        PtxWriter w, ConvolutionShape shape, Register source, Register first, int offset, Register? lowest)
    {
        Register value = w.Float(0), isInside = w.Less(first, shape.Tokens - offset);
        if (offset < 0)
            isInside = w.Both(isInside, w.Less(w.Integer(-offset - 1), first));
        Operand place = Operand.At(source, offset * shape.InputStride * shape.InputBytes);
        if (lowest is { } low)
        {
            Register level = w.Integer(0);
            w.DoIf(isInside, "ld.global.nc.u8", level, place);
            return w.Emit(RegisterKind.Float, "selp.f32", w.Add(w.ToFloat(level), low), 0f, isInside);
        }
        w.Load(isInside, "ld.global.nc", value, place, shape.AreHalves);
        return value;
    }
}
