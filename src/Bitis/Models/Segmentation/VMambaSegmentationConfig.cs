using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;
using Bitis.Data.Resampling;
using Bitis.Graphs;
using Bitis.Models.VMamba;
using Bitis.Tensors;

namespace Bitis.Models.Segmentation;

/// <summary>The architecture of a VMamba with heads that give a class to each pixel.</summary>
/// <remarks>
/// <see cref="ModelConfig.ImageSize"/> is the shorter side to which images are resized. The graph exists for any size.
/// </remarks>
internal sealed record VMambaSegmentationConfig : VMambaConfig, IDenseConfig
{
    /// <summary>The module of the head that answers.</summary>
    internal const string DecodeHeadName = "decode_head";

    /// <summary>The module of the head that only training uses.</summary>
    internal const string AuxiliaryHeadName = "auxiliary_head";

    /// <summary>What precedes the names of the backbone's modules.</summary>
    internal const string BackbonePrefix = "backbone.";

    /// <summary>The weight of the auxiliary head's loss in the official training.</summary>
    private const double AuxiliaryWeight = 0.4;

    private const float NormEpsilon = 1e-5f;
    private const int MaxHeadChannels = 1 << 14, MaxHeadConvolutions = 64, MaxHeadKernel = 31, ColourDigits = 6;

    /// <summary>Creates an empty config.</summary>
    public VMambaSegmentationConfig()
    {
    }

    /// <summary>Creates the config of a backbone with a head.</summary>
    /// <param name="backbone">The backbone.</param>
    /// <param name="decodeHead">The head.</param>
    [SetsRequiredMembers]
    public VMambaSegmentationConfig(VMambaConfig backbone, HeadConfig decodeHead)
        : base(backbone) => DecodeHead = decodeHead;

    /// <inheritdoc />
    [JsonIgnore]
    public override string Family => "VMamba segmentation";

    /// <summary>The head that answers.</summary>
    public required HeadConfig DecodeHead { get; init; }

    /// <summary>The head that only training uses; null if there is none.</summary>
    public HeadConfig? AuxiliaryHead { get; init; }

    /// <inheritdoc />
    public IReadOnlyList<string> Palette { get; init; } = [];

    /// <inheritdoc />
    public bool ReducesZeroLabel { get; init; }

    /// <inheritdoc />
    [JsonIgnore]
    internal override Preprocessing UsualPreprocessing => ImageChannels == PixelImage.RgbChannels
        ? new(ImageSize, ImageSize, Preprocessing.ImageNetMean, Preprocessing.ImageNetStd, Interpolation.Bilinear)
        : base.UsualPreprocessing;

    /// <inheritdoc />
    public IReadOnlyList<LearningHead> LearningHeads(int height, int width)
    {
        var heads = new List<LearningHead> { HeadOf(DecodeHeadName, DecodeHead, 1) };
        if (AuxiliaryHead is not null)
            heads.Add(HeadOf(AuxiliaryHeadName, AuxiliaryHead, AuxiliaryWeight));
        return heads;

        LearningHead HeadOf(string name, HeadConfig head, double weight)
        {
            (int mapHeight, int mapWidth) = MapSize(head, height, width);
            return new($"{name}.conv_seg", mapHeight, mapWidth, weight);
        }
    }

    /// <inheritdoc />
    /// <remarks>Colours, and what label 0 stands for, belong to the classes.</remarks>
    public override ModelConfig WithClasses(int classes) =>
        this with { Classes = classes, Palette = [], ReducesZeroLabel = false };

    /// <inheritdoc />
    public override void Validate()
    {
        base.Validate();
        RequireHead(DecodeHead, "decodeHead");
        if (AuxiliaryHead is not null)
            RequireHead(AuxiliaryHead, "auxiliaryHead");
        if (Palette is null || (Palette.Count > 0 && Palette.Count != Classes) || !Palette.All(IsColour))
        {
            throw new BitisException(
                $"The model's palette has {DisplayText.Count(Palette?.Count ?? 0, "colour")} for "
                + $"{DisplayText.Count(Classes, "class")}; expected one for each, of six hexadecimal digits, or none.");
        }
    }

    /// <inheritdoc />
    public override Graph BuildGraph() => BuildGraph(ImageSize, ImageSize);

    /// <inheritdoc />
    public Graph BuildGraph(int height, int width)
    {
        var graph = new GraphBuilder([ImageChannels, height, width]);
        TokenGrid[] maps =
        [
            .. VMambaBuilder.AddStages(graph, this, BackbonePrefix).Select((stage, i) => stage with
            {
                Tokens = graph.LayerNorm($"{BackbonePrefix}outnorm{i}", stage.Tokens, NormEpsilon),
            }),
        ];
        var outputs = new List<Node> { SegmentationHeads.Add(graph, DecodeHeadName, DecodeHead, maps, Classes).Tokens };
        if (AuxiliaryHead is not null)
            outputs.Add(SegmentationHeads.Add(graph, AuxiliaryHeadName, AuxiliaryHead, maps, Classes).Tokens);
        return graph.Build([.. outputs, .. maps.Select(map => map.Tokens)]);
    }

    /// <inheritdoc />
    public (int Height, int Width) MapSize(int height, int width) => MapSize(DecodeHead, height, width);

    private (int Height, int Width) MapSize(HeadConfig head, int height, int width)
    {
        (height, width) = Stem == StemKind.Convolutions
            ? (Halved(Halved(height)), Halved(Halved(width)))
            : (height / PatchSize, width / PatchSize);
        int stage = head.Kind == HeadKind.UPer ? 0 : head.Stage;
        for (int i = 0; i < stage; i++)
            (height, width) = (Halved(height), Halved(width));
        return (height, width);
    }

    /// <inheritdoc />
    public override bool IsComputed(string tensor) =>
        tensor is not null && tensor.EndsWith(".num_batches_tracked", StringComparison.Ordinal);

    /// <inheritdoc />
    public override string Describe() => $"{base.Describe()}; {DecodeHead.Describe()}";

    /// <inheritdoc />
    /// <remarks>Heads start like the layers of any graph; the backbone, as that of a classifier.</remarks>
    public override IReadOnlyDictionary<string, FloatTensor> CreateWeights(ulong seed) =>
        VMambaInitializer.Create(this, seed);

    /// <inheritdoc />
    private protected override string DescribeImages() =>
        $"images of any size, usually {ImageSize} pixels high or wide";

    /// <summary>Whether two architectures are the same, with colours compared by value.</summary>
    public bool Equals(VMambaSegmentationConfig? other) =>
        base.Equals(other) && DecodeHead == other.DecodeHead && AuxiliaryHead == other.AuxiliaryHead
        && Palette.SequenceEqual(other.Palette) && ReducesZeroLabel == other.ReducesZeroLabel;

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(base.GetHashCode(), DecodeHead, AuxiliaryHead);

    private void RequireHead(HeadConfig? head, string name)
    {
        if (head is null)
            throw new BitisException($"The model's {name} is missing.");
        RequireKnown(head.Kind, $"{name}.kind");
        Require(head.Channels, 1, MaxHeadChannels, $"{name}.channels");
        Require(head.Stage, 0, Depths.Count - 1, $"{name}.stage");
        int least = head.Kind == HeadKind.Fcn ? 1 : 0;
        Require(head.Convolutions, least, MaxHeadConvolutions, $"{name}.convolutions");
        Require(head.KernelSize, 1, MaxHeadKernel, $"{name}.kernelSize");
        if (head.NormGroups is { } groups && (groups < 1 || head.Channels % groups != 0))
        {
            throw new BitisException(
                $"The model's {name}.normGroups is {groups}; expected a divisor of its {head.Channels} "
                + "channels.");
        }
        if (head.KernelSize % 2 == 0)
            throw new BitisException($"The model's {name}.kernelSize is {head.KernelSize}; expected an odd number.");
    }

    private static bool IsColour(string? text) =>
        text is { Length: ColourDigits } && text.All(char.IsAsciiHexDigitLower);
}
