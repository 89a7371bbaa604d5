namespace Bitis.Graphs.Fusion;

/// <summary>How much an executor wants fused.</summary>
/// <remarks>
/// Every executor reads the list of one pass; what it can do with less fusion it says here, and nowhere else.
/// </remarks>
internal sealed record FusionRules
{
    /// <summary>All that runs fast forward: nobody sees the values in between.</summary>
    public static FusionRules Inference { get; } = new()
    {
        SumsWithNorm = true,
        ScansIntoSums = true,
        ArrangedCopies = true,
        IndexMaps = true,
        TokenViews = true,
        PatchesOfValues = true,
        ScalesInGates = true,
    };

    /// <summary>The rules for training, which fuse only what has a backward form.</summary>
    /// <remarks>
    /// A value that a gradient needs stays a value of its own. Each gradient has memory of its own. Patches are taken
    /// only of the graph's inputs, which need no gradient.
    /// </remarks>
    public static FusionRules Training { get; } = new() { GatesOfSingleUse = true };

    /// <summary>Sums and the norm after them: the residual stream is updated in place.</summary>
    public bool SumsWithNorm { get; private init; }

    /// <summary>A scan from the end adds its output to the value that its sum has besides.</summary>
    public bool ScansIntoSums { get; private init; }

    /// <summary>A convolution over a grid writes copies of its output in the orders that scans want.</summary>
    public bool ArrangedCopies { get; private init; }

    /// <summary>Another order of tokens is an index map where all who read it take one.</summary>
    public bool IndexMaps { get; private init; }

    /// <summary>One token of a sequence is a view of it.</summary>
    public bool TokenViews { get; private init; }

    /// <summary>A convolution and the change of layout after it are one operation whatever they read.</summary>
    public bool PatchesOfValues { get; private init; }

    /// <summary>A gate takes the factor of what it gates.</summary>
    public bool ScalesInGates { get; private init; }

    /// <summary>A gate is fused only where nobody else reads what it gates or what it gates with.</summary>
    public bool GatesOfSingleUse { get; private init; }
}
