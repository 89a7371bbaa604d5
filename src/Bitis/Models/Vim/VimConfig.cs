using System.Text.Json.Serialization;
using Bitis.Graphs;

namespace Bitis.Models.Vim;

/// <summary>The architecture of a Vim (Zhu et al., "Vision Mamba", 2024), with two scan directions a block.</summary>
internal sealed record VimConfig : ModelConfig
{
    // Far above all published models; they keep a damaged file from asking for endless memory.
    private const int MaxWidth =
        1 << 16, MaxDepth = 1 << 10, MaxStateSize = 256, MaxConvKernelSize = 64, MaxTokens = 1 << 20;

    /// <inheritdoc />
    [JsonIgnore]
    public override string Family => "Vim";

    /// <summary>Height and width of a patch, in pixels.</summary>
    public required int PatchSize { get; init; }

    /// <summary>Distance between patches, in pixels; less than the patch size where patches overlap.</summary>
    public required int Stride { get; init; }

    /// <summary>D, the channels of the residual stream.</summary>
    public required int Width { get; init; }

    /// <summary>The number of blocks.</summary>
    public required int Depth { get; init; }

    /// <summary>E, the channels inside a block; 2·D in all published models.</summary>
    public required int InnerWidth { get; init; }

    /// <summary>N, the states of each channel.</summary>
    public int StateSize { get; init; } = 16;

    /// <summary>R, the rank of the projection to Δ; ⌈D/16⌉ in all published models.</summary>
    public required int DeltaRank { get; init; }

    /// <summary>K, the tokens that the causal convolution covers.</summary>
    [JsonPropertyName("convKernel")]
    public int ConvKernelSize { get; init; } = 4;

    /// <summary>Where the class token is.</summary>
    public ClassTokenPosition ClassToken { get; init; } = ClassTokenPosition.Middle;

    /// <summary>Whether the sum of the two directions is halved (official <c>if_divide_out</c>).</summary>
    public bool HalvesDirections { get; init; } = true;

    /// <summary>The normalization.</summary>
    public NormKind Norm { get; init; } = NormKind.Rms;

    /// <summary>ε of the normalization.</summary>
    public float NormEpsilon { get; init; } = 1e-5f;

    /// <summary>Patches along one side of the image.</summary>
    [JsonIgnore]
    public int GridSize => (ImageSize - PatchSize) / Stride + 1;

    /// <summary>The index of the class token; -1 where there is none.</summary>
    [JsonIgnore]
    public int ClassTokenIndex => ClassToken switch
    {
        ClassTokenPosition.Middle => GridSize * GridSize / 2,
        ClassTokenPosition.First => 0,
        _ => -1,
    };

    /// <inheritdoc />
    [JsonIgnore]
    internal override PositionEmbedding Positions =>
        new("pos_embed", GridSize, ClassTokenIndex < 0 ? null : ClassTokenIndex);

    /// <summary>L, the length of the sequence: patches and class token.</summary>
    [JsonIgnore]
    public int Tokens => GridSize * GridSize + (ClassToken == ClassTokenPosition.None ? 0 : 1);

    /// <inheritdoc />
    public override void Validate()
    {
        base.Validate();
        Require(PatchSize, 1, ImageSize, "patchSize");
        Require(Stride, 1, PatchSize, "stride");
        Require(Width, 1, MaxWidth, "width");
        Require(InnerWidth, 1, MaxWidth, "innerWidth");
        Require(Depth, 1, MaxDepth, "depth");
        Require(StateSize, 1, MaxStateSize, "stateSize");
        Require(DeltaRank, 1, MaxWidth, "deltaRank");
        Require(ConvKernelSize, 1, MaxConvKernelSize, "convKernel");
        Require(Tokens, 1, MaxTokens, "number of tokens");
        RequireKnown(ClassToken, "classToken");
        RequireKnown(Norm, "norm");
        RequireEpsilon(NormEpsilon);
    }

    /// <inheritdoc />
    public override Graph BuildGraph() => VimBuilder.Build(this);

    /// <inheritdoc />
    public override string Describe() =>
        $"width {Width}, inner {InnerWidth}, depth {Depth}, states {StateSize}, delta rank {DeltaRank}; "
        + $"images {ImageSize}×{ImageSize}, patches of {PatchSize} every {DisplayText.Count(Stride, "pixel")}, "
        + $"{DisplayText.Count(Tokens, "token")}; "
        + $"class token {ClassToken.ToString().ToLowerInvariant()}, "
        + $"directions {(HalvesDirections ? "halved" : "summed")}, "
        + $"{Norm.ToString().ToLowerInvariant()} norm; {DisplayText.Count(Classes, "class")}";

    /// <inheritdoc />
    internal override bool IsLearnedOfficially(string layer) =>
        // The official code runs these inside of one autograd function.
        layer[(layer.LastIndexOf('.') + 1)..] is not ("x_proj" or "x_proj_b" or "dt_proj" or "dt_proj_b");

    /// <inheritdoc />
    public override IReadOnlyDictionary<string, FloatTensor> CreateWeights(ulong seed) =>
        VimInitializer.Create(this, seed);
}
