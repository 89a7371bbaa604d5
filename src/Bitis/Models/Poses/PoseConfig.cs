using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;
using Bitis.Graphs;
using Bitis.Models.Detection;
using Bitis.Models.Segmentation;
using Bitis.Tensors;

namespace Bitis.Models.Poses;

/// <summary>The architecture of a model that gives the pose of a shape.</summary>
/// <remarks>
/// It is a backbone whose last layer gives the numbers of <see cref="PoseEncoding"/>. <see cref="ModelConfig.Classes"/>
/// counts them.
/// </remarks>
internal sealed record PoseConfig : ModelConfig
{
    /// <summary>Creates an empty config.</summary>
    public PoseConfig()
    {
    }

    /// <summary>Creates the config of a backbone.</summary>
    /// <param name="backbone">A classifier, whose classes become numbers.</param>
    [SetsRequiredMembers]
    public PoseConfig(ModelConfig backbone)
    {
        Backbone = backbone.WithClasses(PoseEncoding.Numbers);
        (ImageSize, ImageChannels, Classes) = (backbone.ImageSize, backbone.ImageChannels, PoseEncoding.Numbers);
    }

    /// <summary>The backbone, with an output for each number.</summary>
    public required ModelConfig Backbone { get; init; }

    /// <inheritdoc />
    [JsonIgnore]
    public override string Family => $"{Backbone.Family} for poses";

    /// <inheritdoc />
    [JsonIgnore]
    internal override PositionEmbedding? Positions => Backbone.Positions;

    /// <inheritdoc />
    [JsonIgnore]
    internal override string? FixedSizeReason => Backbone.FixedSizeReason;

    /// <inheritdoc />
    [JsonIgnore]
    internal override Preprocessing UsualPreprocessing => Backbone.UsualPreprocessing;

    /// <inheritdoc />
    public override void Validate()
    {
        base.Validate();
        if (Backbone is null or IDenseConfig or PoseConfig)
            throw new BitisException("The model's backbone is missing, or is no classifier.");
        Backbone.Validate();
        if ((Backbone.ImageSize, Backbone.ImageChannels, Backbone.Classes) != (ImageSize, ImageChannels, Classes)
            || Classes != PoseEncoding.Numbers)
        {
            throw new BitisException(
                $"The model's backbone takes other images, or does not give {PoseEncoding.Numbers} numbers.");
        }
    }

    /// <inheritdoc />
    public override Graph BuildGraph() => Backbone.BuildGraph();

    /// <inheritdoc />
    public override string Describe() => $"{Backbone.Describe()} (the numbers of a pose)";

    /// <inheritdoc />
    public override ModelConfig WithClasses(int classes) => classes == Classes ? this : throw new BitisException(
        $"This model gives the pose of a shape: {PoseEncoding.Numbers} numbers, not {classes} classes.");

    /// <inheritdoc />
    private protected override ModelConfig Resized(int size) =>
        this with { ImageSize = size, Backbone = Backbone.WithImageSize(size) };

    /// <inheritdoc />
    public override CheckpointPart PartOf(string parameter) => Backbone.PartOf(parameter);

    /// <inheritdoc />
    public override bool IsComputed(string tensor) => Backbone.IsComputed(tensor);

    /// <inheritdoc />
    internal override bool IsLearnedOfficially(string layer) => Backbone.IsLearnedOfficially(layer);

    /// <inheritdoc />
    public override IReadOnlyDictionary<string, FloatTensor> CreateWeights(ulong seed) => Backbone.CreateWeights(seed);
}
