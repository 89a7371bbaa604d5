using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Emulation.Memory;
using Bitis.Gpu.Kernels;
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
    [InlineData(3, 9, 12, 4, 3, 1, true)]
    [InlineData(1, 8, 8, 4, 4, 0, true)]
    [InlineData(2, 7, 5, 3, 2, 2, false)]
    public unsafe void Patches_are_those_of_the_CPU(
        int channels, int height, int width, int side, int stride, int padding, bool areLevels)
    {
        const int Images = 2;
        UniformQuantizer quantizer = UniformQuantizer.Asymmetric(7, Granularity.PerTensor, [0.031f], [45]);
        int count = channels * height * width;
        var random = new Random(4);
        float[] pixels = [.. Enumerable.Range(0, Images * count).Select(_ => (random.NextSingle() * 6) - 3)];
        (pixels[0], pixels[1]) = (float.NaN, float.PositiveInfinity);
        var shape = new PatchShape(channels, height, width, side, stride, padding, RowStride: 64)
        {
            MaxLevel = areLevels ? quantizer.MaxLevel : null,
        };
        int rows = shape.Down * shape.Across, bytes = areLevels ? 1 : sizeof(float);
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

        float[] values = areLevels ? Array.ConvertAll(pixels, x => (float)quantizer.Quantize(x, 0)) : pixels;
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
                ReadOnlySpan<byte> written = ((EmulatedBuffer)output).Peek(
                    ((image * rows) + i) * shape.RowStride * bytes, shape.Values * bytes);
                for (int j = 0; j < shape.Values; j++)
                {
                    float value = areLevels ? written[j] : BitConverter.ToSingle(written[(j * bytes)..]);
                    Assert.Equal(expected[(i * shape.Values) + j], value);
                }
            }
        }
    }
}
