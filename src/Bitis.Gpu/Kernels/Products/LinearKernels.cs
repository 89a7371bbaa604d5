using Bitis.Gpu.Devices;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Products;

/// <summary>The kernels of linear layers.</summary>
internal static class LinearKernels
{
    /// <summary>Many sums for each value that is read: for many rows.</summary>
    private static readonly ProductTile Large = new(WarpRows: 64, WarpColumns: 32, 2, 4, Stages: 3);

    /// <summary>Many blocks: for few rows.</summary>
    private static readonly ProductTile Small = new(WarpRows: 32, WarpColumns: 32, 2, 2, Stages: 4);

    /// <summary>The ways to compute a linear layer; the first that fits is best for many rows.</summary>
    public static GpuKernelTable<LinearShape> Table { get; } = new(
        TensorCores("large", Large),
        TensorCores("small", Small),
        new GpuKernelRow<LinearShape>(
            "linear-floats",
            PtxTarget.Sm80.Capability,
            shape => shape is { Numbers: LinearNumbers.Floats, IsAligned: true },
            FloatProduct.Emit,
            (shape, rows) => GridOf(FloatProduct.TileRows, FloatProduct.TileColumns, shape, rows)));

    private static GpuKernelRow<LinearShape> TensorCores(string name, ProductTile tile) => new(
        $"linear-tensor-cores-{name}",
        PtxTarget.Sm80.Capability,
        shape => shape is { Numbers: not LinearNumbers.Floats, IsAligned: true },
        (shape, target) => TensorCoreProduct.Emit(shape, tile, target),
        (shape, rows) => GridOf(tile.Rows, tile.Columns, shape, rows));

    private static GpuGrid GridOf(int tileRows, int tileColumns, LinearShape shape, int rows) => new(
        (shape.Outputs + tileColumns - 1) / tileColumns, (rows + tileRows - 1) / tileRows * shape.Groups);
}
