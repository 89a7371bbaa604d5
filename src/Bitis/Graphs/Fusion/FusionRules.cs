namespace Bitis.Graphs.Fusion;

/// <summary>The patterns that are fused for an executor.</summary>
/// <remarks>All executors share one pass. These rules are the only difference between them.</remarks>
internal sealed record FusionRules
{
    /// <summary>The rules for a fast forward pass, which does not need the values inside of operations.</summary>
    public static FusionRules Inference { get; } = new()
    {
        SumsWithNorm = true,
        ScansIntoSums = true,
        ArrangedCopies = true,
        IndexMaps = true,
        TokenViews = true,
        PatchesOfValues = true,
        ScalesInGates = true,
        GridLayers = true,
    };

    /// <summary>The rules for GPUs, whose convolutions over grids read one map and write sums.</summary>
    public static FusionRules Gpu { get; } = Inference with { GridLayers = false };

    /// <summary>The rules for training, which fuse only what has a backward form.</summary>
    /// <remarks>
    /// A value that a gradient needs stays a value of its own. Each gradient has memory of its own. Patches are taken
    /// only of the graph's inputs, which need no gradient.
    /// </remarks>
    public static FusionRules Training { get; } = new() { GatesOfSingleUse = true };

    /// <summary>Sums and the norm after them: the residual stream is updated in place.</summary>
    public bool SumsWithNorm { get; private init; }

    /// <summary>A scan from the end adds its output to the other term of the sum after it.</summary>
    public bool ScansIntoSums { get; private init; }

    /// <summary>A convolution over a grid writes copies of its output in the orders that scans need.</summary>
    public bool ArrangedCopies { get; private init; }

    /// <summary>Another order of tokens is an index map if all of its readers take one.</summary>
    public bool IndexMaps { get; private init; }

    /// <summary>One token of a sequence is a view of it.</summary>
    public bool TokenViews { get; private init; }

    /// <summary>A convolution and the change of layout after it are one operation, whatever the input is.</summary>
    public bool PatchesOfValues { get; private init; }

    /// <summary>A gate includes the factor of its values.</summary>
    public bool ScalesInGates { get; private init; }

    /// <summary>Convolutions over grids include the concatenation before and the ReLU after; sums, a resize.</summary>
    public bool GridLayers { get; private init; }

    /// <summary>A gate is fused only if its values and its argument have no other readers.</summary>
    public bool GatesOfSingleUse { get; private init; }
}
