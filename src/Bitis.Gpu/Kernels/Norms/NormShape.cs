using Bitis.Gpu.Kernels.Products;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Norms;

/// <summary>What the text of a norm depends on.</summary>
/// <param name="Columns">The length of a row.</param>
/// <param name="Epsilon">Added to the mean square before the root.</param>
/// <param name="IsCentered">Whether the mean is subtracted and a bias added: a layer norm; else an RMS norm.</param>
internal sealed record NormShape(int Columns, float Epsilon, bool IsCentered)
{
    /// <summary>The values whose sum is normalized.</summary>
    public IReadOnlyList<NormTerm> Terms { get; init; } = [new(Columns)];

    /// <summary>Whether the sum is written, too: the residual stream, in float32.</summary>
    public bool WritesSum { get; init; }

    /// <summary>What levels are written; null for floats.</summary>
    public LevelShape? Levels { get; init; }

    /// <summary>Whether floats are written as float16.</summary>
    public bool WritesHalves { get; init; }

    /// <summary>The neighbouring columns that a lane reads and writes at once: 4, 2 or 1.</summary>
    /// <remarks>Four only where no lane of a warp is without some.</remarks>
    public int AtOnce => Columns % (4 * PtxWriter.WarpSize) == 0 && HasVectors(4) ? 4 : HasVectors(2) ? 2 : 1;

    /// <summary>The distance of rows of the output in elements.</summary>
    public int OutputStride => Levels is not null ? LinearShape.RowBytes(Columns)
        : WritesHalves ? LinearShape.RowHalves(Columns)
        : Columns;

    private bool HasVectors(int count) => Columns % count == 0
        && Terms.All(term => term.Stride % count == 0 && term.Start % count == 0);
}
