using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Convolutions;

/// <summary>Convolutions along the tokens in any orders, with the SiLU behind them.</summary>
/// <remarks>
/// <code>
///   u[d, t] = SiLU(bias[d] + Σ_k w[d, k]·x[rows[d, t − (K−1) + k]])         no row: zero
/// </code>
/// A thread has a direction, a channel and 16 steps. It reads x where it lies, so nothing is arranged before. Quantized
/// layers compute as in <see cref="ConvolutionKernels"/>.
/// </remarks>
internal static class ArrangedConvolutionKernels
{
    private const int Threads = 128, StepsOfThread = 16, MaxTaps = 8;

    /// <summary>The ways to compute the convolutions.</summary>
    public static GpuKernelTable<ArrangedConvolutionShape> Table { get; } = new(
        new GpuKernelRow<ArrangedConvolutionShape>(
            "arranged-convolutions-step-window",
            PtxTarget.Sm80.Capability,
            shape => shape.Taps is > 0 and <= MaxTaps,
            Emit,
            (shape, images) => new GpuGrid(
                (shape.Channels + Threads - 1) / Threads * Pieces(shape) * shape.Directions, images)));

    private static int Pieces(ArrangedConvolutionShape shape) => (shape.Steps + StepsOfThread - 1) / StepsOfThread;

    private static PtxKernel Emit(ArrangedConvolutionShape shape, PtxTarget target)
    {
        var w = new PtxWriter(
            $"arranged_convolutions_{shape.Directions}x{shape.Steps}x{shape.Channels}x{shape.Taps}"
                + (shape.ReadsHalves ? "_halves" : "") + (shape.WritesHalves ? "_to_halves" : "")
                + (shape.QuantizesInput ? "_integers" : "") + (shape.WritesScanLevels ? "_scan" : "")
                + (shape.Levels is null ? "" : "_levels"),
            Threads);
        Register input = w.Parameter(ParameterKind.Pointer), rows = w.Parameter(ParameterKind.Pointer);
        Register weights = w.Parameter(ParameterKind.Pointer), biases = w.Parameter(ParameterKind.Pointer);
        Register output = w.Parameter(ParameterKind.Pointer), rowsOfDirection = w.Parameter(ParameterKind.Integer);
        Register? quantizers = shape.QuantizesInput ? w.Parameter(ParameterKind.Pointer) : null;
        Register? scanQuantizers = shape.WritesScanLevels ? w.Parameter(ParameterKind.Pointer) : null;
        Register? levelTarget = shape.Levels is null ? null : w.Parameter(ParameterKind.Pointer);
        LevelWriter? levels = shape.Levels is null ? null : new LevelWriter(w, shape.Levels);
        (Register rest, Register piece) = w.Divide(w.Special("ctaid.x"), Pieces(shape));
        (Register part, Register direction) = w.Divide(rest, shape.Directions);
        Register channel = w.MultiplyAdd(part, Threads, w.Special("tid.x"));
        Register hasChannel = w.Less(channel, shape.Channels);
        channel = w.Select(hasChannel, channel, 0);
        Register first = w.Multiply(piece, StepsOfThread);
        Register firstInput = w.Multiply(w.Special("ctaid.y"), shape.InputRows);

        int before = shape.Taps - 1;
        Register[] x = [.. Enumerable.Range(-before, StepsOfThread + before).Select(i => ReadStep(
            w, shape, new Source(input, rows, direction, first, firstInput, channel), i))];
        Register ofChannel = w.MultiplyAdd(direction, shape.Channels, channel);
        if (quantizers is { } table)
        {
            Register start = w.MultiplyAdd(direction, 4 * shape.Channels, channel);
            var grid = ChannelQuantizer.Read(w, w.Address(table, start, sizeof(float)), 0, shape.Channels);
            x = [.. x.Select(value => grid.Center(w, value))];
            Finish(grid);
        }
        else
        {
            Finish(quantizer: null);
        }
        return w.Finish(target);

        void Finish(ChannelQuantizer? quantizer)
        {
            Register ofTaps = w.MultiplyAdd(direction, shape.Taps * shape.Channels, channel);
            Register[] taps = [.. Enumerable.Range(0, shape.Taps).Select(k => w.LoadConstant(
                w.Address(weights, ofTaps, sizeof(float)), k * shape.Channels * sizeof(float)))];
            Register bias = w.LoadConstant(w.Address(biases, ofChannel, sizeof(float)));
            Register? factor = levels?.ReadFactor(ofChannel);
            ScanQuantizer? scan = scanQuantizers is { } scales
                ? ScanQuantizer.Read(
                    w, w.Address(scales, w.MultiplyAdd(direction, 3 * shape.Channels, channel), sizeof(float)),
                    shape.Channels)
                : null;
            Register row = w.MultiplyAdd(w.Special("ctaid.y"), shape.Steps, first);
            row = w.MultiplyAdd(direction, rowsOfDirection, row);
            for (int t = 0; t < StepsOfThread; t++)
            {
                Register sum = quantizer is null ? bias : w.Float(0);
                for (int k = 0; k < shape.Taps; k++)
                    sum = w.MultiplyAdd(taps[k], x[t + k], sum);
                if (quantizer is not null)
                    sum = quantizer.Scale(w, sum, bias);
                Register isInside = w.Both(hasChannel, w.Less(first, shape.Steps - t)), ofStep = w.Add(row, t);
                Register u = shape.HasSilu ? w.Silu(sum) : sum;
                Register index = w.MultiplyAdd(ofStep, shape.OutputStride, channel);
                Operand placeOfU = Operand.At(w.Address(output, index, shape.OutputBytes));
                if (scan is null)
                    w.Store(isInside, placeOfU, u, shape.WritesHalves);
                else
                    w.DoIf(isInside, "st.global.u8", placeOfU, scan.Level(w, u));
                if (levels is null)
                    continue;
                Register parameters = w.MultiplyAdd(direction, shape.Steps, w.Add(first, t));
                Register level = levels.Level(u, levels.ReadRow(parameters, isInside), factor);
                Register place = w.MultiplyAdd(ofStep, shape.LevelStride, channel);
                w.DoIf(isInside, "st.global.u8", Operand.At(w.Address(levelTarget!.Value, place, 1)), level);
            }
        }
    }

    /// <summary>The value of a step, 0 before the first one and where there is no row.</summary>
    private static Register ReadStep(PtxWriter w, ArrangedConvolutionShape shape, Source source, int offset)
    {
        Register value = w.Float(0), row = w.Integer(-1);
        Register step = w.Add(source.First, offset), isStep = w.Less(step, shape.Steps);
        if (offset < 0)
            isStep = w.Both(isStep, w.Less(w.Integer(-1), step));
        Register entry = w.Address(source.Rows, w.MultiplyAdd(source.Direction, shape.Steps, step), sizeof(int));
        w.DoIf(isStep, "ld.global.nc.b32", row, Operand.At(entry));
        Register index = w.MultiplyAdd(w.Add(source.FirstInput, row), shape.InputStride, source.Channel);
        Register isRow = w.Less(w.Integer(-1), row);
        Operand place = Operand.At(w.Address(source.Input, index, shape.InputBytes));
        w.Load(isRow, "ld.global.nc", value, place, shape.ReadsHalves);
        return value;
    }

    /// <summary>Where a thread reads.</summary>
    private sealed record Source(
        Register Input, Register Rows, Register Direction, Register First, Register FirstInput, Register Channel);
}
