using System.Text.Json.Serialization;
using Bitis.Graphs;

namespace Bitis.Models.Reference;

/// <summary>
/// The architecture of a residual network of basic blocks for small images (He et al., 2016, section 4.2), with the
/// names that torchvision gives its parts: the convolutional network that methods of training are compared on.
/// ResNet-20 has three stages of three blocks, and 16 channels in the first.
/// </summary>
/// <remarks>
/// It has group normalization (Wu and He, 2018) where the paper's has batch normalization: training takes a few images
/// at a time through the whole network, and no statistics of a batch exist then. Convolutions have a bias, which a norm
/// over several channels does not cancel. Where a stage halves the grid, the shortcut is a convolution of single places
/// (the paper's kind B), as in torchvision.
/// </remarks>
internal sealed record ResNetConfig : ModelConfig
{
    private const int MaxWidth = 1 << 12, MaxStages = 8, MaxBlocks = 1 << 8;

    /// <inheritdoc />
    [JsonIgnore]
    public override string Family => "ResNet";

    /// <summary>
    /// The channels of the first stage; each later one has twice as many as the one before, on half the grid.
    /// </summary>
    public required int Width { get; init; }

    /// <summary>The number of blocks of each stage.</summary>
    public required IReadOnlyList<int> Depths { get; init; }

    /// <summary>The groups of channels that are normalized together; divides the width.</summary>
    public int Groups { get; init; } = 8;

    /// <summary>ε of the normalization.</summary>
    public float NormEpsilon { get; init; } = 1e-5f;

    /// <inheritdoc />
    public override void Validate()
    {
        base.Validate();
        Require(Width, 1, MaxWidth, "width");
        if (Depths is null || Depths.Count is < 1 or > MaxStages)
            throw new BitisException($"The model has {Depths?.Count ?? 0} stages; expected 1 to {MaxStages}.");
        foreach (int depth in Depths)
            Require(depth, 1, MaxBlocks, "depth of a stage");
        Require(Groups, 1, Width, "groups");
        if (Width % Groups != 0)
        {
            throw new BitisException(
                $"The model has {DisplayText.Count(Groups, "group")}; expected a number that divides the width "
                    + $"of {Width}.");
        }
        RequireEpsilon(NormEpsilon);
    }

    /// <inheritdoc />
    public override Graph BuildGraph() => ResNetBuilder.Build(this);

    /// <inheritdoc />
    public override string Describe() =>
        $"width {Width}, depths {string.Join("-", Depths)}, {DisplayText.Count(Groups, "group")}; images "
            + $"{ImageSize}×{ImageSize}; {DisplayText.Count(Classes, "class")}";

    /// <inheritdoc />
    public override IReadOnlyDictionary<string, FloatTensor> CreateWeights(ulong seed) =>
        ResNetInitializer.Create(this, seed);

    /// <summary>Records compare lists by reference; configs compare by what they say.</summary>
    public bool Equals(ResNetConfig? other) =>
        base.Equals(other) && Width == other.Width && Groups == other.Groups && NormEpsilon == other.NormEpsilon
            && Depths.SequenceEqual(other.Depths);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(base.GetHashCode(), Width, Groups, NormEpsilon, Depths.Count);
}
