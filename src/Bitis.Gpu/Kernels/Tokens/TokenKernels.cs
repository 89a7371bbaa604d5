using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Tokens;

/// <summary>What becomes of an image before the first block. A thread has one value of the output.</summary>
internal static class TokenKernels
{
    private const int Threads = 256;

    /// <summary>The patches of images as rows: (image, patches); of levels also (1/scale, zero point).</summary>
    /// <remarks>Padding is the value 0, whose level is the zero point.</remarks>
    public static GpuKernelTable<PatchShape> Patches { get; } = new(new GpuKernelRow<PatchShape>(
        "patches", PtxTarget.Sm80.Capability, shape => shape.RowStride >= shape.Values, EmitPatches,
        (shape, images) => GridOf(images, shape.Down * shape.Across * shape.Values)));

    /// <summary>Patches and class token with their positions: (patches, token, positions, output).</summary>
    /// <remarks>Without a class token, the second operand is not read.</remarks>
    public static GpuKernelTable<EmbeddingShape> Embeddings { get; } = new(new GpuKernelRow<EmbeddingShape>(
        "embeddings", PtxTarget.Sm80.Capability, _ => true, EmitEmbeddings,
        (shape, images) => GridOf(images, shape.Tokens * shape.Channels)));

    /// <summary>Squares of a grid of tokens as rows: (tokens, squares); of levels also (1/scale, zero point).</summary>
    /// <remarks>Padding is the value 0, whose level is the zero point.</remarks>
    public static GpuKernelTable<GridPatchShape> GridPatches { get; } = new(new GpuKernelRow<GridPatchShape>(
        "grid-patches", PtxTarget.Sm80.Capability, shape => shape.RowStride >= shape.Values, EmitGridPatches,
        (shape, images) => GridOf(images, shape.Down * shape.Across * shape.Values)));

    private static GpuGrid GridOf(int images, int values) => new((values + Threads - 1) / Threads, images);

    private static PtxKernel EmitPatches(PatchShape shape, PtxTarget target)
    {
        string form = shape.MaxLevel is not null ? "_levels" : shape.WritesHalves ? "_halves" : "";
        var w = new PtxWriter($"patches_{shape.Channels}x{shape.Height}x{shape.Width}_{shape.Side}{form}", Threads);
        Register image = w.Parameter(ParameterKind.Pointer), output = w.Parameter(ParameterKind.Pointer);
        Register[] quantizer = shape.MaxLevel is null
            ? []
            : [w.Parameter(ParameterKind.Pointer), w.Parameter(ParameterKind.Pointer)];
        Register index = w.MultiplyAdd(w.Special("ctaid.x"), Threads, w.Special("tid.x"));
        Register isInside = w.Less(index, shape.Down * shape.Across * shape.Values);
        (Register patch, Register value) = w.Divide(index, shape.Values);
        (Register channel, Register inSquare) = w.Divide(value, shape.Side * shape.Side);
        (Register line, Register column) = w.Divide(inSquare, shape.Side);
        (Register down, Register across) = w.Divide(patch, shape.Across);
        Register y = w.Subtract(w.MultiplyAdd(down, shape.Stride, line), shape.Padding);
        Register x = w.Subtract(w.MultiplyAdd(across, shape.Stride, column), shape.Padding);
        Register isPixel = w.Both(Lies(w, y, shape.Height), Lies(w, x, shape.Width));
        Register plane = w.MultiplyAdd(w.Special("ctaid.y"), shape.Channels, channel);
        Register pixel = w.MultiplyAdd(w.MultiplyAdd(plane, shape.Height, y), shape.Width, x), result = w.Float(0);
        Register source = w.Address(image, pixel, sizeof(float));
        w.DoIf(w.Both(isInside, isPixel), "ld.global.nc.f32", result, Operand.At(source));
        Register row = w.MultiplyAdd(w.Special("ctaid.y"), shape.Down * shape.Across, patch);
        Register place = w.MultiplyAdd(row, shape.RowStride, value);
        StorePatch(w, isInside, output, place, result, quantizer, shape.MaxLevel, shape.WritesHalves);
        return w.Finish(target);
    }

    private static PtxKernel EmitGridPatches(GridPatchShape shape, PtxTarget target)
    {
        string form = (shape.ReadsHalves ? "_halves" : "") + (shape.MaxLevel is not null ? "_levels" : "");
        var w = new PtxWriter(
            $"grid_patches_{shape.Channels}x{shape.Height}x{shape.Width}_{shape.Side}{form}", Threads);
        Register tokens = w.Parameter(ParameterKind.Pointer), output = w.Parameter(ParameterKind.Pointer);
        Register[] quantizer = shape.MaxLevel is null
            ? []
            : [w.Parameter(ParameterKind.Pointer), w.Parameter(ParameterKind.Pointer)];
        Register index = w.MultiplyAdd(w.Special("ctaid.x"), Threads, w.Special("tid.x"));
        Register isInside = w.Less(index, shape.Down * shape.Across * shape.Values);
        (Register patch, Register value) = w.Divide(index, shape.Values);
        (Register inSquare, Register channel) = w.Divide(value, shape.Channels);
        (Register line, Register column) = w.Divide(inSquare, shape.Side);
        (Register down, Register across) = w.Divide(patch, shape.Across);
        Register y = w.Subtract(w.MultiplyAdd(down, shape.Stride, line), shape.Padding);
        Register x = w.Subtract(w.MultiplyAdd(across, shape.Stride, column), shape.Padding);
        Register isToken = w.Both(Lies(w, y, shape.Height), Lies(w, x, shape.Width));
        Register token = w.MultiplyAdd(w.MultiplyAdd(w.Special("ctaid.y"), shape.Height, y), shape.Width, x);
        Register result = w.Float(0);
        Operand source = Operand.At(w.Address(
            tokens, w.MultiplyAdd(token, shape.InputStride, channel),
            shape.ReadsHalves ? sizeof(ushort) : sizeof(float)));
        w.Load(w.Both(isInside, isToken), "ld.global.nc", result, source, shape.ReadsHalves);
        Register row = w.MultiplyAdd(w.Special("ctaid.y"), shape.Down * shape.Across, patch);
        Register place = w.MultiplyAdd(row, shape.RowStride, value);
        StorePatch(w, isInside, output, place, result, quantizer, shape.MaxLevel, shape.WritesHalves);
        return w.Finish(target);
    }

    private static void StorePatch(
        PtxWriter w, Register isInside, Register output, Register place, Register value, Register[] quantizer,
        int? maxLevel, bool isHalf)
    {
        if (maxLevel is { } highest)
        {
            Register level = w.Quantize(value, w.LoadConstant(quantizer[0]), w.LoadConstant(quantizer[1]), highest);
            w.DoIf(isInside, "st.global.u8", Operand.At(w.Address(output, place, 1)), level);
            return;
        }
        int bytes = isHalf ? sizeof(ushort) : sizeof(float);
        w.Store(isInside, Operand.At(w.Address(output, place, bytes)), value, isHalf);
    }

    private static PtxKernel EmitEmbeddings(EmbeddingShape shape, PtxTarget target)
    {
        string form = shape.ReadsHalves ? "_halves" : "";
        var w = new PtxWriter($"embeddings_{shape.Tokens}x{shape.Channels}{form}", Threads);
        Register patches = w.Parameter(ParameterKind.Pointer), classToken = w.Parameter(ParameterKind.Pointer);
        Register positions = w.Parameter(ParameterKind.Pointer), output = w.Parameter(ParameterKind.Pointer);
        int patchesOfImage = shape.ClassToken is null ? shape.Tokens : shape.Tokens - 1;
        Register index = w.MultiplyAdd(w.Special("ctaid.x"), Threads, w.Special("tid.x"));
        Register isInside = w.Less(index, shape.Tokens * shape.Channels);
        (Register token, Register channel) = w.Divide(index, shape.Channels);
        Register value = w.Float(0), position = w.Float(0), isPatch = isInside, patch = token;
        if (shape.ClassToken is { } place)
        {
            Register isBefore = w.Less(token, place), isBehind = w.Less(w.Integer(place), token);
            Register isClass = w.Both(isInside, w.AreEqual(token, place));
            isPatch = w.Both(isInside, w.Either(isBefore, isBehind));
            patch = w.Select(isBehind, w.Subtract(token, 1), token);
            Register source = w.Address(classToken, channel, sizeof(float));
            w.DoIf(isClass, "ld.global.nc.f32", value, Operand.At(source));
        }
        Register image = w.Special("ctaid.y"), row = w.MultiplyAdd(image, patchesOfImage, patch);
        Register from = w.Address(
            patches, w.MultiplyAdd(row, shape.PatchStride, channel),
            shape.ReadsHalves ? sizeof(ushort) : sizeof(float));
        w.Load(isPatch, "ld.global.nc", value, Operand.At(from), shape.ReadsHalves);
        w.DoIf(isInside, "ld.global.nc.f32", position, Operand.At(w.Address(positions, index, sizeof(float))));
        Register to = w.MultiplyAdd(image, shape.Tokens * shape.Channels, index);
        w.DoIf(
            isInside, "st.global.f32", Operand.At(w.Address(output, to, sizeof(float))), w.Add(value, position));
        return w.Finish(target);
    }

    private static Register Lies(PtxWriter w, Register coordinate, int size) =>
        w.Both(w.Less(w.Integer(-1), coordinate), w.Less(coordinate, size));
}
