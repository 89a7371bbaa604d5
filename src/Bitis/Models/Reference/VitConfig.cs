using System.Text.Json.Serialization;
using Bitis.Graphs;

namespace Bitis.Models.Reference;

/// <summary>
/// The architecture of a vision transformer (Dosovitskiy et al., 2021), with the names that timm gives its parts: what
/// Vision Mambas are compared with.
/// </summary>
internal sealed record VitConfig : ModelConfig
{
    private const int MaxWidth = 1 << 16, MaxDepth = 1 << 10, MaxTokens = 1 << 16;

    /// <inheritdoc />
    [JsonIgnore]
    public override string Family => "ViT";

    /// <summary>Height and width of a patch, in pixels; divides the image's.</summary>
    public required int PatchSize { get; init; }

    /// <summary>D, the channels of the residual stream.</summary>
    public required int Width { get; init; }

    /// <summary>The number of blocks.</summary>
    public required int Depth { get; init; }

    /// <summary>The heads of the attention; divides the width.</summary>
    public required int Heads { get; init; }

    /// <summary>The channels inside of a block's MLP; 4·D usually.</summary>
    public required int HiddenWidth { get; init; }

    /// <summary>ε of the normalization.</summary>
    public float NormEpsilon { get; init; } = 1e-6f;

    /// <inheritdoc />
    [JsonIgnore]
    internal override PositionEmbedding Positions => new("pos_embed", ImageSize / PatchSize, ClassTokenIndex: 0);

    /// <summary>L, the length of the sequence: the class token and the patches.</summary>
    [JsonIgnore]
    public int Tokens => (ImageSize / PatchSize * (ImageSize / PatchSize)) + 1;

    /// <inheritdoc />
    public override void Validate()
    {
        base.Validate();
        Require(PatchSize, 1, ImageSize, "patchSize");
        Require(Width, 1, MaxWidth, "width");
        Require(HiddenWidth, 1, MaxWidth, "hiddenWidth");
        Require(Depth, 1, MaxDepth, "depth");
        Require(Heads, 1, Width, "heads");
        Require(Tokens, 1, MaxTokens, "number of tokens");
        if (ImageSize % PatchSize != 0)
        {
            throw new BitisException(
                $"The model's patchSize is {PatchSize}; expected one that divides the imageSize of {ImageSize}.");
        }
        if (Width % Heads != 0)
        {
            throw new BitisException(
                $"The model has {DisplayText.Count(Heads, "head")}; expected a number that divides the width of "
                    + $"{Width}.");
        }
        RequireEpsilon(NormEpsilon);
    }

    /// <inheritdoc />
    public override Graph BuildGraph() => VitBuilder.Build(this);

    /// <inheritdoc />
    public override string Describe() =>
        $"width {Width}, hidden {HiddenWidth}, depth {Depth}, heads {Heads}; "
        + $"images {ImageSize}×{ImageSize}, patches of {PatchSize} pixels, "
        + $"{DisplayText.Count(Tokens, "token")}; {DisplayText.Count(Classes, "class")}";

    /// <inheritdoc />
    public override IReadOnlyDictionary<string, FloatTensor> CreateWeights(ulong seed) =>
        VitInitializer.Create(this, seed);
}
