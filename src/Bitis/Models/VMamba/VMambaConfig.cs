using System.Text.Json.Serialization;
using Bitis.Graphs;
using Bitis.Models.Detection;

namespace Bitis.Models.VMamba;

/// <summary>The architecture of a VMamba: a pyramid of stages, with four scan directions in each block.</summary>
/// <remarks>
/// Liu et al., "VMamba: Visual State Space Model", 2024. From stage to stage, widths double and the grid of tokens
/// halves.
/// </remarks>
internal record VMambaConfig : ModelConfig
{
    // Limits far above all published models, so that a damaged file cannot cause huge allocations.
    private const int MaxWidth = 1 << 14, MaxStages = 8, MaxDepth = 1 << 10, MaxStateSize = 256, MaxTokens = 1 << 20;

    /// <summary>The side of the square that two convolutions of stride 2 turn into one token, in pixels.</summary>
    internal const int ConvolutionsPatchSize = 4;

    /// <summary>
    /// Channels of the residual stream for each rank of the projection to Δ (official <c>dt_rank</c> <c>auto</c>).
    /// </summary>
    private const int WidthPerRank = 16;

    /// <inheritdoc />
    [JsonIgnore]
    public override string Family => "VMamba";

    /// <summary>How the image becomes tokens.</summary>
    public StemKind Stem { get; init; } = StemKind.Convolutions;

    /// <summary>The side of the square of pixels that becomes one token.</summary>
    /// <remarks>It is 4 if the stem is two convolutions of stride 2.</remarks>
    public int PatchSize { get; init; } = ConvolutionsPatchSize;

    /// <summary>How the grid halves between stages.</summary>
    public DownsamplingKind Downsampling { get; init; } = DownsamplingKind.Convolution;

    /// <summary>The number of blocks of each stage.</summary>
    public required IReadOnlyList<int> Depths { get; init; }

    /// <summary>D, the channels of the residual stream, in the first stage; each further stage doubles it.</summary>
    public required int Width { get; init; }

    /// <summary>E, the channels inside a block, in the first stage; each further stage doubles it.</summary>
    public required int InnerWidth { get; init; }

    /// <summary>The channels inside the MLP of a block, in the first stage; each further stage doubles it.</summary>
    /// <remarks>0 for blocks without an MLP.</remarks>
    public required int MlpWidth { get; init; }

    /// <summary>N, the states of each channel.</summary>
    public int StateSize { get; init; } = 1;

    /// <summary>Whether the depthwise convolution has a bias.</summary>
    public bool HasConvBias { get; init; }

    /// <summary>Whether SiLU(z) gates the scan's output, as in the first release.</summary>
    public bool IsGated { get; init; }

    /// <summary>Tokens along one side of the grid of the first stage.</summary>
    [JsonIgnore]
    public int GridSize => Stem == StemKind.Convolutions ? Halved(Halved(ImageSize)) : ImageSize / PatchSize;

    /// <summary>R, the rank of the projection to Δ in a stage: ⌈D/16⌉.</summary>
    public int DeltaRank(int stage) => ((Width << stage) + WidthPerRank - 1) / WidthPerRank;

    /// <summary>Half of a grid's side, rounded up.</summary>
    internal static int Halved(int size) => (size + 1) / 2;

    /// <inheritdoc />
    public override void Validate()
    {
        base.Validate();
        if (Depths is null || Depths.Count is < 1 or > MaxStages)
            throw new BitisException($"The model has {Depths?.Count ?? 0} stages; expected 1 to {MaxStages}.");
        foreach (int depth in Depths)
            Require(depth, 1, MaxDepth, "depth of a stage");
        RequireKnown(Stem, "stem");
        RequireKnown(Downsampling, "downsampling");
        Require(PatchSize, 1, ImageSize, "patchSize");
        if (Stem == StemKind.Convolutions && PatchSize != ConvolutionsPatchSize)
        {
            throw new BitisException(
                $"The model's patchSize is {PatchSize}; a stem of two convolutions of stride 2 has "
                + $"{ConvolutionsPatchSize}.");
        }

        Require(Width, 2, MaxWidth >> Depths.Count, "width");
        Require(InnerWidth, 1, MaxWidth >> Depths.Count, "innerWidth");
        Require(MlpWidth, 0, 4 * MaxWidth >> Depths.Count, "mlpWidth");
        Require(StateSize, 1, MaxStateSize, "stateSize");
        Require(GridSize * GridSize, 1, MaxTokens, "number of tokens");
    }

    /// <inheritdoc />
    public override Graph BuildGraph() => VMambaBuilder.Build(this);

    /// <inheritdoc />
    public override string Describe() =>
        $"width {Width}, inner {InnerWidth}, MLP {MlpWidth} (doubled by each stage), "
        + $"depths {string.Join("-", Depths)}, states {StateSize}; "
        + $"{DescribeImages()}, stem of "
        + $"{Stem.ToString().ToLowerInvariant()}, "
        + $"{(Downsampling == DownsamplingKind.Convolution ? "convolutions" : "patch merging")} between stages"
        + $"{(IsGated ? ", gated" : "")}; {DisplayText.Count(Classes, "class")}";

    /// <summary>The size of the images: <c>images 224×224, 56×56 tokens</c>.</summary>
    private protected virtual string DescribeImages() =>
        $"images {ImageSize}×{ImageSize}, {GridSize}×{GridSize} tokens";

    /// <summary>Whether two architectures are the same, with lists compared by value.</summary>
    public virtual bool Equals(VMambaConfig? other) =>
        base.Equals(other) && Depths.SequenceEqual(other.Depths) && Values.Equals(other.Values);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(base.GetHashCode(), Depths.Sum(), Values);

    /// <summary>All values except lists, for comparison.</summary>
    private (StemKind, int, DownsamplingKind, int, int, int, int, bool, bool) Values =>
        (Stem, PatchSize, Downsampling, Width, InnerWidth, MlpWidth, StateSize, HasConvBias, IsGated);

    /// <inheritdoc />
    public override CheckpointPart PartOf(string parameter) => VMambaBuilder.PartOf(parameter);

    /// <inheritdoc />
    public override IReadOnlyDictionary<string, FloatTensor> CreateWeights(ulong seed) =>
        VMambaInitializer.Create(this, seed);
}
