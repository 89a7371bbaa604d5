using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Products;

/// <summary>How a block of threads divides a tile of the output.</summary>
/// <param name="WarpRows">Rows of a warp, a multiple of 16.</param>
/// <param name="WarpColumns">Columns of a warp, a multiple of 16.</param>
/// <param name="WarpsDown">Warps below one another.</param>
/// <param name="WarpsAcross">Warps beside one another.</param>
/// <param name="Stages">Pieces of K in shared memory at once.</param>
internal sealed record ProductTile(int WarpRows, int WarpColumns, int WarpsDown, int WarpsAcross, int Stages)
{
    /// <summary>Rows of a block.</summary>
    public int Rows => WarpRows * WarpsDown;

    /// <summary>Columns of a block.</summary>
    public int Columns => WarpColumns * WarpsAcross;

    /// <summary>Threads of a block.</summary>
    public int Threads => WarpsDown * WarpsAcross * PtxWriter.WarpSize;
}
