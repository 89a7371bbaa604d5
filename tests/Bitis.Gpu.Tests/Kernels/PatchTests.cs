using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Emulation.Memory;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Products;
using Bitis.Gpu.Kernels.Tokens;
using Bitis.Gpu.Ptx;
using Bitis.Kernels.Convolution;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;

namespace Bitis.Gpu.Tests.Kernels;

/// <summary>Patches of images and squares of tokens are those that the CPU gathers, as values and as levels.</summary>
public sealed class PatchTests
{
    private const int Images = 2;

    [Theory]
    [InlineData(3, 9, 12, 4, 3, 1, LinearNumbers.Levels)]
    [InlineData(1, 8, 8, 4, 4, 0, LinearNumbers.Levels)]
    [InlineData(2, 7, 5, 3, 2, 2, LinearNumbers.Floats)]
    [InlineData(2, 7, 5, 3, 2, 2, LinearNumbers.Halves)]
    public unsafe void Patches_are_those_of_the_CPU(
        int channels, int height, int width, int side, int stride, int padding, object numbers)
    {
        bool areLevels = numbers is LinearNumbers.Levels, areHalves = numbers is LinearNumbers.Halves;
        UniformQuantizer quantizer = UniformQuantizer.Asymmetric(7, Granularity.PerTensor, [0.031f], [45]);
        int count = channels * height * width;
        var random = new Random(4);
        float[] pixels = [.. Enumerable.Range(0, Images * count).Select(_ => (random.NextSingle() * 6) - 3)];
        (pixels[0], pixels[1]) = (float.NaN, float.PositiveInfinity);
        var shape = new PatchShape(channels, height, width, side, stride, padding, RowStride: 64)
        {
            MaxLevel = areLevels ? quantizer.MaxLevel : null,
            WritesHalves = areHalves,
        };
        int rows = shape.Down * shape.Across, bytes = areLevels ? 1 : areHalves ? sizeof(ushort) : sizeof(float);
        using EmulatedDevice device = KernelRun.Device();
        GpuKernelRow<PatchShape> row = TokenKernels.Patches.Best(device, shape, Images);
        GpuBuffer output = device.Allocate(Images * rows * shape.RowStride * bytes);
        List<GpuArgument> arguments = [device.Upload<float>(pixels), output];
        if (areLevels)
        {
            arguments.Add(device.Upload(quantizer.InverseScales));
            arguments.Add(device.Upload<float>([quantizer.ZeroPoints[0]]));
        }
        KernelRun.Launch(device, row.Emit(shape, PtxTarget.Sm80), row.Grid(shape, Images), [.. arguments]);

        float[] values = areLevels ? Array.ConvertAll(pixels, x => (float)quantizer.Quantize(x, 0))
            : areHalves ? Array.ConvertAll(pixels, x => (float)(Half)x)
            : pixels;
        var expected = new float[rows * shape.Values];
        for (int image = 0; image < Images; image++)
        {
            fixed (float* source = values, target = expected)
            {
                Im2Col.Run(
                    source + (image * count), channels, height, width, side, stride, padding, target, shape.Values,
                    areLevels ? quantizer.ZeroPoints[0] : 0f);
            }
            for (int i = 0; i < rows; i++)
            {
                int start = ((image * rows) + i) * shape.RowStride;
                for (int j = 0; j < shape.Values; j++)
                {
                    float value = areLevels
                        ? ((EmulatedBuffer)output).Peek(start + j, 1)[0]
                        : KernelRun.Peek(output, start + j, areHalves);
                    Assert.Equal(expected[(i * shape.Values) + j], value);
                }
            }
        }
    }

    [Theory]
    [InlineData(24, 8, 8, 3, 2, 1, "floats")]
    [InlineData(5, 7, 4, 3, 1, 1, "halves")]
    [InlineData(16, 6, 9, 2, 2, 0, "levels")]
    [InlineData(7, 5, 5, 5, 3, 2, "levels of halves")]
    [InlineData(9, 1, 1, 1, 1, 0, "halves of floats")]
    public void Squares_are_those_of_the_definition(
        int channels, int height, int width, int side, int stride, int padding, string form)
    {
        GridPatchShape shape = ShapeOf(channels, height, width, side, stride, padding, form);
        Assert.Equal(Expected(shape), Run(shape));
    }

    [Theory]
    [InlineData("setp.lt.s32", "setp.le.s32", 1)]
    [InlineData("setp.lt.s32", "setp.le.s32", 3)]
    [InlineData("sub.s32", "add.s32", 1)]
    [InlineData("mad.lo.s32", "mul.lo.s32", 2)]
    [InlineData("st.global.u8", "", 1)]
    [InlineData("cvt.rni.f32.f32", "mov.f32", 1)]
    public void Mutants_of_squares_are_caught(string text, string replacement, int occurrence)
    {
        GridPatchShape shape = ShapeOf(6, 7, 9, 3, 2, 1, "levels");
        bool isCaught;
        try
        {
            isCaught = !Run(shape, kernel => kernel with
            {
                Text = Mutation.Replace(kernel.Text, text, replacement, occurrence),
            }).AsSpan().SequenceEqual(Expected(shape));
        }
        catch (EmulationException)
        {
            isCaught = true;
        }
        Assert.True(isCaught, $"{text} -> {replacement}");
    }

    private static UniformQuantizer Quantizer => UniformQuantizer.Asymmetric(7, Granularity.PerTensor, [0.031f], [45]);

    private static GridPatchShape ShapeOf(
        int channels, int height, int width, int side, int stride, int padding, string form) =>
        new(channels, height, width, side, stride, padding, RowStride: (channels * side * side) + 4)
        {
            InputStride = channels + 3,
            ReadsHalves = form is "halves" or "levels of halves",
            WritesHalves = form.StartsWith("halves", StringComparison.Ordinal),
            MaxLevel = form.StartsWith("levels", StringComparison.Ordinal) ? Quantizer.MaxLevel : null,
        };

    private static float[] Tokens(GridPatchShape shape)
    {
        float[] tokens = new RandomValues(3).Floats(
            Images * shape.Height * shape.Width * shape.InputStride, -3, 3, shape.ReadsHalves);
        (tokens[0], tokens[1]) = (float.NaN, float.PositiveInfinity);
        return tokens;
    }

    private static float[] Run(GridPatchShape shape, Func<PtxKernel, PtxKernel>? change = null)
    {
        using EmulatedDevice device = KernelRun.Device();
        GpuKernelRow<GridPatchShape> row = TokenKernels.GridPatches.Best(device, shape, Images);
        PtxKernel kernel = row.Emit(shape, PtxTarget.Sm80);
        int rows = Images * shape.Down * shape.Across;
        GpuBuffer output = device.Allocate(rows * shape.RowStride * sizeof(float));
        List<GpuArgument> arguments = [KernelRun.Upload(device, Tokens(shape), shape.ReadsHalves), output];
        if (shape.MaxLevel is not null)
        {
            arguments.Add(device.Upload(Quantizer.InverseScales));
            arguments.Add(device.Upload<float>([Quantizer.ZeroPoints[0]]));
        }
        KernelRun.Launch(device, change is null ? kernel : change(kernel), row.Grid(shape, Images), [.. arguments]);
        return [.. Enumerable.Range(0, rows * shape.Values).Select(i =>
        {
            int place = (i / shape.Values * shape.RowStride) + (i % shape.Values);
            return shape.MaxLevel is not null
                ? ((EmulatedBuffer)output).Peek(place, 1)[0]
                : KernelRun.Peek(output, place, shape.WritesHalves);
        })];
    }

    private static float[] Expected(GridPatchShape shape)
    {
        float[] tokens = Tokens(shape);
        var squares = new float[Images * shape.Down * shape.Across * shape.Values];
        for (int i = 0; i < squares.Length; i++)
        {
            (int square, int value) = Math.DivRem(i, shape.Values);
            (int inSquare, int channel) = Math.DivRem(value, shape.Channels);
            int image = square / (shape.Down * shape.Across), place = square % (shape.Down * shape.Across);
            int y = (place / shape.Across * shape.Stride) - shape.Padding + (inSquare / shape.Side);
            int x = (place % shape.Across * shape.Stride) - shape.Padding + (inSquare % shape.Side);
            bool isInside = y >= 0 && y < shape.Height && x >= 0 && x < shape.Width;
            int token = (((image * shape.Height) + y) * shape.Width) + x;
            float number = isInside ? tokens[(token * shape.InputStride) + channel] : 0;
            squares[i] = shape.MaxLevel is not null ? Quantizer.Quantize(number, 0)
                : shape.WritesHalves ? (float)(Half)number
                : number;
        }
        return squares;
    }
}
