using System.Text.Json.Serialization;
using Bitis.Graphs;

namespace Bitis.Models;

/// <summary>The architecture of a Vim (Zhu et al., "Vision Mamba", 2024), with two scan directions a block.</summary>
public sealed record VimConfig : ModelConfig
{
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
    public int ConvKernel { get; init; } = 4;

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

    /// <summary>L, the length of the sequence: patches and class token.</summary>
    [JsonIgnore]
    public int Tokens => GridSize * GridSize + (ClassToken == ClassTokenPosition.None ? 0 : 1);

    /// <inheritdoc />
    public override Graph BuildGraph() => VimBuilder.Build(this);
}
