using System.Text.Json.Serialization;
using Bitis.Graphs;
using Bitis.Models.Detection;
using Bitis.Models.Families;
using Bitis.Models.Graphs;
using Bitis.Models.Poses;
using Bitis.Models.Segmentation;
using Bitis.Tensors;

namespace Bitis.Models;

/// <summary>The architecture of a model: all values that its graph depends on.</summary>
[JsonConverter(typeof(ModelConfigConverter))]
public abstract record ModelConfig
{
    /// <summary>The family's name for display: <c>Vim</c>.</summary>
    [JsonIgnore]
    public abstract string Family { get; }

    /// <summary>Height and width of the images, in pixels.</summary>
    public required int ImageSize { get; init; }

    /// <summary>Colour channels of the images.</summary>
    public int ImageChannels { get; init; } = 3;

    /// <summary>The number of classes.</summary>
    public required int Classes { get; init; }

    /// <summary>The shape of one image: <c>[channels, height, width]</c>.</summary>
    [JsonIgnore]
    public Shape InputShape => [ImageChannels, ImageSize, ImageSize];

    /// <summary>The parameter that is resized for images of another size; null if there is none.</summary>
    /// <remarks>
    /// It is null for a model that cannot have another size, and for one whose weights fit all sizes.
    /// </remarks>
    [JsonIgnore]
    internal virtual PositionEmbedding? Positions => null;

    /// <summary>The reason why images cannot have another size, if users may expect it; null otherwise.</summary>
    [JsonIgnore]
    internal virtual string? FixedSizeReason => null;

    /// <summary>How images usually become the model's input.</summary>
    [JsonIgnore]
    internal virtual Preprocessing UsualPreprocessing => Preprocessing.ForSize(ImageSize, ImageChannels);

    /// <summary>Checks that the values describe a model of a possible size.</summary>
    /// <remarks>Call it on anything read from a file.</remarks>
    /// <exception cref="BitisException">A value is invalid; the message names it.</exception>
    public virtual void Validate()
    {
        Require(ImageSize, 1, MaxImageSize, "imageSize");
        Require(Classes, 1, MaxClasses, "classes");
        Require(ImageChannels, 1, MaxChannels, "imageChannels");
    }

    /// <summary>Checks that the model gives logits for an image, not for each place.</summary>
    /// <param name="user">What takes classifiers only, for the message.</param>
    /// <exception cref="BitisException">The model gives a map of classes.</exception>
    internal void RequireClassifier(string user)
    {
        if (this is IDenseConfig)
        {
            throw new BitisException(
                $"This model ({Family}) gives a class to each pixel. {user} does not support that yet: it takes "
                + "classifiers only. 'bitis segment', 'bitis eval' and SegmentationSession run the model.");
        }
    }

    /// <summary>Checks that the model's outputs are logits of classes.</summary>
    /// <exception cref="BitisException">They are the numbers of a pose.</exception>
    internal void RequireClasses()
    {
        if (this is PoseConfig)
        {
            throw new BitisException(
                $"This model ({Family}) gives the pose of a shape, not classes. 'bitis eval' and InferenceSession.Run "
                + "take it.");
        }
    }

    /// <summary>Throws unless a value lies between two bounds.</summary>
    protected static void Require(int value, int low, int high, string name)
    {
        if (value < low || value > high)
            throw new BitisException($"The model's {name} is {value}; expected {low} to {high}.");
    }

    /// <summary>Throws unless a value of an enum is one of its names.</summary>
    protected static void RequireKnown<T>(T value, string name)
        where T : struct, Enum
    {
        if (!Enum.IsDefined(value))
        {
            throw new BitisException(
                $"The model's {name} is {value}; expected one of {string.Join(", ", Enum.GetNames<T>())}.");
        }
    }

    /// <summary>Throws unless a value can be the ε of a normalization.</summary>
    protected static void RequireEpsilon(float value)
    {
        if (!(value is > 0 and <= 1))
            throw new BitisException($"The model's normEpsilon is {value}; expected a small positive number.");
    }

    private const int MaxImageSize = 8192, MaxChannels = 1024, MaxClasses = 1 << 20;

    /// <summary>Builds the model's graph.</summary>
    public abstract Graph BuildGraph();

    /// <summary>The architecture in one line: <c>width 192, depth 24, ...</c>.</summary>
    public abstract string Describe();

    /// <summary>The same architecture with another number of classes, which changes the graph's last layer.</summary>
    /// <exception cref="BitisException">The number of classes cannot be changed.</exception>
    public virtual ModelConfig WithClasses(int classes) => this with { Classes = classes };

    /// <summary>The same architecture for images of another size, by resizing its <see cref="Positions"/>.</summary>
    /// <param name="size">Height and width, in pixels.</param>
    /// <exception cref="BitisException">
    /// The architecture has no positions to resize, or cannot have this size.
    /// </exception>
    public ModelConfig WithImageSize(int size)
    {
        if (size == ImageSize)
            return this;
        if (Positions is null)
            throw new BitisException($"A {Family} like this has no position embedding that could be resized.");
        ModelConfig resized = Resized(size);
        resized.Validate();
        return resized;
    }

    private protected virtual ModelConfig Resized(int size) => this with { ImageSize = size };

    /// <summary>
    /// The place of a graph's parameter in the official checkpoint, usually a tensor of the same name.
    /// </summary>
    public virtual CheckpointPart PartOf(string parameter) => new(parameter);

    /// <summary>Whether a tensor of the official checkpoint holds values that the graph computes itself.</summary>
    public virtual bool IsComputed(string tensor) => false;

    /// <summary>Whether the official code of PTQ4VM learns the scales of a linear layer.</summary>
    /// <param name="layer">The layer's node.</param>
    internal virtual bool IsLearnedOfficially(string layer) => true;

    /// <summary>Fresh weights, distributed as in the official code. The same seed gives the same weights.</summary>
    /// <remarks>By default, the operators determine the distribution (<see cref="GraphInitializer"/>).</remarks>
    public virtual IReadOnlyDictionary<string, FloatTensor> CreateWeights(ulong seed) =>
        GraphInitializer.Create(BuildGraph(), seed);
}
