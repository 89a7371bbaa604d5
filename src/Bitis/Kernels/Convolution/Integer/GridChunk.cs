using Bitis.Kernels.Gemm;

namespace Bitis.Kernels.Convolution.Integer;

/// <summary>The weights of some channels and places of a filter, and where their input comes from.</summary>
/// <param name="Pieces">The pieces of a row of unfolded levels, one after the other.</param>
/// <param name="Weights">The weights of the row.</param>
internal sealed record GridChunk(GridPiece[] Pieces, PackedIntegerWeights Weights)
{
    /// <summary>The bytes of a row.</summary>
    public int Length => Weights.Inputs;
}
