using System.Text.Json.Serialization;
using Bitis.Graphs;

namespace Bitis.Models.LocalMamba;

/// <summary>
/// The architecture of a LocalVim (Huang et al., "LocalMamba: Visual State Space Model with Windowed Selective Scan",
/// 2024): a plain
/// sequence of blocks as a Vim has them, each with four scan directions of its own choice.
/// </summary>
internal sealed record LocalVimConfig : ModelConfig
{
    // Far above all published models; they keep a damaged file from asking for endless memory.
    private const int MaxWidth =
        1 << 16, MaxDepth = 1 << 10, MaxStateSize = 256, MaxConvKernelSize = 64, MaxTokens = 1 << 20;

    /// <summary>The official checkpoint's cosines and sines of rotary positions.</summary>
    internal const string RotaryCosines = "rope.freqs_cos", RotarySines = "rope.freqs_sin";

    /// <inheritdoc />
    [JsonIgnore]
    public override string Family => "LocalVim";

    /// <summary>Height and width of a patch, in pixels.</summary>
    public required int PatchSize { get; init; }

    /// <summary>D, the channels of the residual stream.</summary>
    public required int Width { get; init; }

    /// <summary>E, the channels inside a block; 2·D in all published models.</summary>
    public required int InnerWidth { get; init; }

    /// <summary>The four scan directions of each block, by their official names: <c>h,v_flip,w7,w7_flip</c>.</summary>
    /// <remarks>
    /// Rows (<c>h</c>), columns (<c>v</c>) or windows of so many tokens a side (<c>w7</c>); <c>_flip</c> starts at the
    /// end.
    /// </remarks>
    public required IReadOnlyList<string> Directions { get; init; }

    /// <summary>N, the states of each channel.</summary>
    public int StateSize { get; init; } = 16;

    /// <summary>R, the rank of the projection to Δ; ⌈D/16⌉ in all published models.</summary>
    public required int DeltaRank { get; init; }

    /// <summary>K, the tokens that the causal convolution covers.</summary>
    [JsonPropertyName("convKernel")]
    public int ConvKernelSize { get; init; } = 4;

    /// <summary>Whether there is a class token, in the middle; else the head sees the mean of all tokens.</summary>
    public bool HasClassToken { get; init; }

    /// <summary>Whether rotary positions turn the residual stream before each block.</summary>
    public bool HasRotaryPositions { get; init; } = true;

    /// <summary>The normalization.</summary>
    public NormKind Norm { get; init; } = NormKind.Rms;

    /// <summary>ε of the normalization.</summary>
    public float NormEpsilon { get; init; } = 1e-5f;

    /// <summary>Patches along one side of the image; they do not overlap.</summary>
    [JsonIgnore]
    public int GridSize => ImageSize / PatchSize;

    /// <summary>The index of the class token; null where there is none.</summary>
    [JsonIgnore]
    public int? ClassTokenIndex => HasClassToken ? GridSize * GridSize / 2 : null;

    /// <inheritdoc />
    /// <remarks>Rotary positions would have to be stretched, too, as the official code does or does not.</remarks>
    [JsonIgnore]
    internal override PositionEmbedding? Positions =>
        HasRotaryPositions ? null : new("pos_embed", GridSize, ClassTokenIndex);

    /// <inheritdoc />
    internal override string? FixedSizeReason => HasRotaryPositions ? "rotary positions cannot be resized" : null;

    /// <summary>L, the length of the sequence: patches and class token.</summary>
    [JsonIgnore]
    public int Tokens => GridSize * GridSize + (HasClassToken ? 1 : 0);

    /// <inheritdoc />
    public override void Validate()
    {
        base.Validate();
        Require(PatchSize, 1, ImageSize, "patchSize");
        Require(Width, 1, MaxWidth, "width");
        Require(InnerWidth, LocalScans.GateReduction, MaxWidth, "innerWidth");
        Require(StateSize, 1, MaxStateSize, "stateSize");
        Require(DeltaRank, 1, MaxWidth, "deltaRank");
        Require(ConvKernelSize, 1, MaxConvKernelSize, "convKernel");
        Require(Tokens, 1, MaxTokens, "number of tokens");
        Require(Directions?.Count ?? 0, 1, MaxDepth, "number of blocks with directions");
        ScanDirection.Validate(Directions!);
        if (ImageSize % PatchSize != 0)
        {
            throw new BitisException(
                $"The model's patchSize is {PatchSize}; expected one that divides the imageSize of {ImageSize}.");
        }
        if (HasRotaryPositions && (HasClassToken || Width % 4 != 0))
        {
            throw new BitisException(
                "The model has rotary positions; they need tokens without a class token, and a width that is a "
                + "multiple of 4.");
        }

        RequireKnown(Norm, "norm");
        RequireEpsilon(NormEpsilon);
    }

    /// <inheritdoc />
    public override Graph BuildGraph() => LocalVimBuilder.Build(this);

    /// <inheritdoc />
    public override string Describe() =>
        $"width {Width}, inner {InnerWidth}, depth {Directions.Count}, states {StateSize}, delta rank {DeltaRank}; "
        + $"images {ImageSize}×{ImageSize}, patches of {PatchSize} pixels, {DisplayText.Count(Tokens, "token")}; "
        + $"class token {(HasClassToken ? "middle" : "none")}{(HasRotaryPositions ? ", rotary positions" : "")}, "
        + $"{Norm.ToString().ToLowerInvariant()} norm; {ScanDirection.Describe(Directions)}; "
        + $"{DisplayText.Count(Classes, "class")}";

    /// <summary>Whether two architectures are the same; directions count by their names.</summary>
    public bool Equals(LocalVimConfig? other) =>
        base.Equals(other) && Directions.SequenceEqual(other.Directions) && Values.Equals(other.Values);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(base.GetHashCode(), Directions.Count, Values);

    /// <summary>All that is no list.</summary>
    private (int, int, int, int, int, int, bool, bool, NormKind, float) Values =>
        (
            PatchSize, Width, InnerWidth, StateSize, DeltaRank, ConvKernelSize, HasClassToken, HasRotaryPositions, Norm,
            NormEpsilon);

    /// <inheritdoc />
    public override bool IsComputed(string tensor) => tensor is RotaryCosines or RotarySines;

    /// <inheritdoc />
    public override IReadOnlyDictionary<string, FloatTensor> CreateWeights(ulong seed) =>
        LocalVimInitializer.Create(this, seed);
}
