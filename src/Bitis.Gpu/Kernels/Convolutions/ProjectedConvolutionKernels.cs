using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels.Products;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Convolutions;

/// <summary>Both convolutions of a block with the projections behind them.</summary>
/// <remarks>
/// Each block of threads reads all weights of a projection. So with fewer than 32 tokens, many blocks read more than
/// two launches write and read of u in between. Then those two are better, and so they are for many outputs.
/// <para>
/// There is no way for float32. Its product has no tensor cores and is bound by multiply-adds, behind which reads of u
/// hide. So a launch is all that could be saved, and a tile of all channels takes twice the shared memory of float16.
/// </para>
/// </remarks>
internal static class ProjectedConvolutionKernels
{
    /// <summary>The most shared memory that leaves room for a second block.</summary>
    private const int MaxSharedBytes = 80 << 10;

    private const int WarpColumns = 16, MaxOutputs = 128, LeastTokens = 32, Stages = 3;

    /// <summary>The ways, the one with most tokens a block first; few images want the last one.</summary>
    public static GpuKernelTable<ProjectedConvolutionShape> Table { get; } = new(Row(64), Row(32), Row(16));

    private static GpuKernelRow<ProjectedConvolutionShape> Row(int tokens) => new(
        $"projected-convolutions-{tokens}-tokens",
        PtxTarget.Sm80.Capability,
        shape => shape.Fits && shape.Projection.Outputs <= MaxOutputs
            && shape.Convolution.Taps is > 0 and <= ConvolutionKernels.MaxTaps
            && SharedBytes(shape, Math.Max(tokens, LeastTokens)) <= MaxSharedBytes,
        (shape, target) => new ProjectedConvolution(shape, Tile(shape, tokens)).Emit(target),
        (shape, images) => new GpuGrid(2 * ((shape.Convolution.Tokens + tokens - 1) / tokens), images))
    {
        SharedBytes = shape => SharedBytes(shape, tokens),
    };

    private static ProductTile Tile(ProjectedConvolutionShape shape, int tokens)
    {
        int down = tokens == 16 ? 1 : 2, across = (shape.Projection.Outputs + WarpColumns - 1) / WarpColumns;
        return new ProductTile(tokens / down, WarpColumns, down, across, Stages);
    }

    private static int SharedBytes(ProjectedConvolutionShape shape, int tokens) =>
        TensorCoreSums.SharedBytesWithInput(shape.Projection, Tile(shape, tokens));
}
