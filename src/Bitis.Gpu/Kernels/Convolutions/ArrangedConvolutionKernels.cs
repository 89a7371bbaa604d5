using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Convolutions;

/// <summary>Convolutions along the tokens in any orders, with the SiLU behind them.</summary>
/// <remarks>
/// <code>
///   u[d, t] = SiLU(bias[d] + Σ_k w[d, k]·x[rows[d, t − (K−1) + k]])         no row: zero
/// </code>
/// A thread has a direction, one or two channels and 16 steps. It reads x where it lies, so nothing is arranged before.
/// Quantized layers compute as in <see cref="ConvolutionKernels"/>.
/// </remarks>
internal static class ArrangedConvolutionKernels
{
    private const int Threads = 128, StepsOfThread = 16, MaxTaps = 8;

    /// <summary>The ways to compute the convolutions.</summary>
    public static GpuKernelTable<ArrangedConvolutionShape> Table { get; } = new(
        new GpuKernelRow<ArrangedConvolutionShape>(
            "arranged-convolutions-step-window",
            PtxTarget.Sm80.Capability,
            shape => shape.Taps is > 0 and <= MaxTaps && shape.Channels % shape.AtOnce == 0
                && shape.InputStride % shape.AtOnce == 0 && shape.OutputStride % shape.AtOnce == 0,
            Emit,
            (shape, images) => new GpuGrid(
                ((shape.Channels / shape.AtOnce * Pieces(shape) * shape.Directions) + Threads - 1) / Threads, images)));

    private static int Pieces(ArrangedConvolutionShape shape) => (shape.Steps + StepsOfThread - 1) / StepsOfThread;

    private static PtxKernel Emit(ArrangedConvolutionShape shape, PtxTarget target)
    {
        var w = new PtxWriter(
            $"arranged_convolutions_{shape.Directions}x{shape.Steps}x{shape.Channels}x{shape.Taps}"
                + (shape.ReadsHalves ? "_halves" : "") + (shape.WritesHalves ? "_to_halves" : "")
                + (shape.QuantizesInput ? "_integers" : "") + (shape.WritesScanLevels ? "_scan" : "")
                + (shape.Levels is null ? "" : "_levels"),
            Threads)
        {
            HasFastFunctions = shape.ReadsHalves,
        };
        Register input = w.Parameter(ParameterKind.Pointer), rows = w.Parameter(ParameterKind.Pointer);
        Register weights = w.Parameter(ParameterKind.Pointer), biases = w.Parameter(ParameterKind.Pointer);
        Register output = w.Parameter(ParameterKind.Pointer), rowsOfDirection = w.Parameter(ParameterKind.Integer);
        Register? quantizers = shape.QuantizesInput ? w.Parameter(ParameterKind.Pointer) : null;
        Register? scanQuantizers = shape.WritesScanLevels ? w.Parameter(ParameterKind.Pointer) : null;
        Register? levelTarget = shape.Levels is null ? null : w.Parameter(ParameterKind.Pointer);
        LevelWriter? levels = shape.Levels is null ? null : new LevelWriter(w, shape.Levels);
        Register item = w.MultiplyAdd(w.Special("ctaid.x"), Threads, w.Special("tid.x"));
        (Register rest, Register part) = w.Divide(item, shape.Channels / shape.AtOnce);
        (Register direction, Register piece) = w.Divide(rest, Pieces(shape));
        Register hasItem = w.Less(direction, shape.Directions);
        direction = w.Select(hasItem, direction, 0);
        Register channel = shape.AtOnce == 1 ? part : w.Multiply(part, shape.AtOnce);
        Register first = w.Multiply(piece, StepsOfThread);
        Register firstInput = w.Multiply(w.Special("ctaid.y"), shape.InputRows);

        int before = shape.Taps - 1;
        Register[][] window = [.. Enumerable.Range(-before, StepsOfThread + before).Select(i => ReadStep(
            w, shape, new Source(input, rows, direction, first, firstInput, channel), i))];
        var tables = new ConvolutionChannel.Tables(weights, biases, quantizers, scanQuantizers, levels?.Factors);
        ConvolutionChannel[] channels = ConvolutionChannel.Read(
            w, shape.Channels, shape.Taps, tables,
            rowsOfTable => w.MultiplyAdd(direction, rowsOfTable * shape.Channels, channel), shape.AtOnce);
        Register[][] x = [.. channels.Select((of, i) => of.Prepare(w, [.. window.Select(values => values[i])]))];
        Register row = w.MultiplyAdd(
            direction, rowsOfDirection, w.MultiplyAdd(w.Special("ctaid.y"), shape.Steps, first));
        for (int t = 0; t < StepsOfThread; t++)
        {
            Register[] u = [.. channels.Zip(x, (of, values) => of.Output(
                w, values.Skip(t).Take(shape.Taps), shape.HasSilu))];
            Register isInside = w.Both(hasItem, w.Less(first, shape.Steps - t)), ofStep = w.Add(row, t);
            Register index = w.MultiplyAdd(ofStep, shape.OutputStride, channel);
            Operand placeOfU = Operand.At(w.Address(output, index, shape.OutputBytes));
            if (shape.WritesScanLevels)
                w.StoreLevels(isInside, placeOfU, [.. channels.Zip(u, (of, value) => of.Scan!.Level(w, value))]);
            else
                w.StoreVector(isInside, placeOfU, u, shape.WritesHalves);
            if (levels is null)
                continue;
            LevelWriter.Row ofRow = levels.ReadRow(
                w.MultiplyAdd(direction, shape.Steps, w.Add(first, t)), isInside);
            Operand place = Operand.At(w.Address(
                levelTarget!.Value, w.MultiplyAdd(ofStep, shape.LevelStride, channel), 1));
            w.StoreLevels(
                isInside, place, [.. channels.Zip(u, (of, value) => levels.Level(value, ofRow, of.LevelFactor))]);
        }
        return w.Finish(target);
    }

    /// <summary>The values of a step, 0 before the first one and where there is no row.</summary>
    private static Register[] ReadStep(PtxWriter w, ArrangedConvolutionShape shape, Source source, int offset)
    {
        Register[] values = [.. Enumerable.Range(0, shape.AtOnce).Select(_ => w.Float(0))];
        Register row = w.Integer(-1), step = w.Add(source.First, offset), isStep = w.Less(step, shape.Steps);
        if (offset < 0)
            isStep = w.Both(isStep, w.Less(w.Integer(-1), step));
        Register entry = w.Address(source.Rows, w.MultiplyAdd(source.Direction, shape.Steps, step), sizeof(int));
        w.DoIf(isStep, "ld.global.nc.b32", row, Operand.At(entry));
        Register index = w.MultiplyAdd(w.Add(source.FirstInput, row), shape.InputStride, source.Channel);
        Register isRow = w.Less(w.Integer(-1), row);
        Operand place = Operand.At(w.Address(source.Input, index, shape.InputBytes));
        w.LoadVector(isRow, "ld.global.nc", values, place, shape.ReadsHalves);
        return values;
    }

    /// <summary>Where a thread reads.</summary>
    private sealed record Source(
        Register Input, Register Rows, Register Direction, Register First, Register FirstInput, Register Channel);
}
