using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Scans;

/// <summary>The kernels of a block's scans.</summary>
internal static class ScanKernels
{
    /// <summary>Threads of a direction in a block.</summary>
    public const int ThreadsOfDirection = 64;

    /// <summary>The most shared memory that leaves room for a second block.</summary>
    private const int MaxSharedBytes = 80 << 10;

    /// <summary>The ways, the one with most channels a block first; few images want the last one.</summary>
    public static GpuKernelTable<ScanShape> Table { get; } = new(
        [.. ((int[])[1, 2, 4]).Select(lanes => new GpuKernelRow<ScanShape>(
            $"scan-lanes-{lanes}",
            PtxTarget.Sm80.Capability,
            shape => Fits(shape, lanes),
            (shape, target) => new BlockScan(shape, lanes).Emit(target),
            (shape, images) => new GpuGrid(
                Blocks(shape, lanes) * (shape.Directions / shape.DirectionsOfBlock), images)))]);

    /// <summary>The blocks for all channels of a block's directions.</summary>
    public static int Blocks(ScanShape shape, int lanes) =>
        ((shape.Channels * lanes) + ThreadsOfDirection - 1) / ThreadsOfDirection;

    private static bool Fits(ScanShape shape, int lanes) =>
        shape is { Tokens: > 0, States: > 0, Rank: > 0 }
        && (!shape.ReadsLevels || shape.Levels is not null)
        && (shape.Arrangement is not null ? shape.OutputLevels is null : shape.HasGate)
        && (shape.Arrangement is null or { Directions: 1 } || (shape.Directions > 0 && shape.Directions % 2 == 0))
        && shape.States % (shape.HasHalfStates ? 2 * lanes : lanes) == 0
        && BlockScan.SharedBytes(shape, lanes) <= MaxSharedBytes;
}
