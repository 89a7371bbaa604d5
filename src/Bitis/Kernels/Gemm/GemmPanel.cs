using Bitis.Kernels.Gemm.Tiles;

namespace Bitis.Kernels.Gemm;

/// <summary>A panel of weights as a tile of <see cref="Int8Gemm"/> reads it.</summary>
internal unsafe struct GemmPanel
{
    /// <summary>The weights, <c>[groups, columns, 4]</c>.</summary>
    public sbyte* Weights;

    /// <summary>The number of groups of four values along K, possibly 0.</summary>
    public int Groups;

    /// <summary>The panel's runs, if the tile needs them (<see cref="IInt8GemmTile.UsesRuns"/>).</summary>
    public PanelRuns Runs;
}
