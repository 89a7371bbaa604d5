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

/// <summary>Patches are those that the CPU gathers, as values and as levels.</summary>
public sealed class PatchTests
{
    [Theory]
    [InlineData(3, 9, 12, 4, 3, 1, LinearNumbers.Levels)]
    [InlineData(1, 8, 8, 4, 4, 0, LinearNumbers.Levels)]
    [InlineData(2, 7, 5, 3, 2, 2, LinearNumbers.Floats)]
    [InlineData(2, 7, 5, 3, 2, 2, LinearNumbers.Halves)]
    public unsafe void Patches_are_those_of_the_CPU(
        int channels, int height, int width, int side, int stride, int padding, object numbers)
    {
        bool areLevels = numbers is LinearNumbers.Levels, areHalves = numbers is LinearNumbers.Halves;
        const int Images = 2;
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
}
