using System.Text.Json.Serialization;
using Bitis.Graphs;
using Bitis.Models.Detection;
using Bitis.Models.Families;
using Bitis.Models.Graphs;
using Bitis.Tensors;

namespace Bitis.Models;

/// <summary>The architecture of a model: everything that its graph depends on, and nothing else.</summary>
[JsonConverter(typeof(ModelConfigConverter))]
public abstract record ModelConfig
{
    /// <summary>The family's name, as people write it: <c>Vim</c>.</summary>
    [JsonIgnore]
    public abstract string Family { get; }

    /// <summary>Height and width of the images, in pixels.</summary>
    public required int ImageSize { get; init; }

    /// <summary>Colour channels of the images.</summary>
    public int ImageChannels { get; init; } = 3;

    /// <summary>How many classes the head tells apart.</summary>
    public required int Classes { get; init; }

    /// <summary>The shape of one image: <c>[channels, height, width]</c>.</summary>
    [JsonIgnore]
    public Shape InputShape => [ImageChannels, ImageSize, ImageSize];

    /// <summary>
    /// What is resized when the model gets images of another size; null for a model that cannot have another size, or
    /// whose weights fit all.
    /// </summary>
    [JsonIgnore]
    internal virtual PositionEmbedding? Positions => null;

    /// <summary>Why the images cannot have another size, where people may expect it; null otherwise.</summary>
    [JsonIgnore]
    internal virtual string? FixedSizeReason => null;

    /// <summary>
    /// Checks that the values describe a model, of a size that could be one; call it on anything read from a file.
    /// </summary>
    /// <exception cref="BitisException">They do not; the message names the value.</exception>
    public virtual void Validate()
    {
        Require(ImageSize, 1, MaxImageSize, "imageSize");
        Require(Classes, 1, MaxClasses, "classes");
        Require(ImageChannels, 1, MaxChannels, "imageChannels");
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

    /// <summary>Writes the model down as a graph.</summary>
    public abstract Graph BuildGraph();

    /// <summary>The architecture in a line: <c>width 192, depth 24, ...</c>.</summary>
    public abstract string Describe();

    /// <summary>The same architecture for other classes; what tells them apart is the graph's last layer.</summary>
    /// <exception cref="BitisException">The architecture has no such layer.</exception>
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
        ModelConfig resized = this with { ImageSize = size };
        resized.Validate();
        return resized;
    }

    /// <summary>
    /// Where the official checkpoint has a parameter of the graph: usually a tensor of the same name.
    /// </summary>
    public virtual CheckpointPart PartOf(string parameter) => new(parameter);

    /// <summary>Whether a tensor of the official checkpoint holds what the graph computes by itself.</summary>
    public virtual bool IsComputed(string tensor) => false;

    /// <summary>
    /// Whether the official code of PTQ4VM learns the scales of a linear layer; <c>Recipe.Official</c> keeps those of
    /// others.
    /// </summary>
    /// <param name="layer">The layer's node.</param>
    internal virtual bool IsLearnedOfficially(string layer) => true;

    /// <summary>
    /// Fresh weights, distributed as the official code initializes them; the same seed gives the same ones.
    /// </summary>
    /// <remarks>
    /// Unless a family says otherwise, they are those of its operators (<see cref="GraphInitializer"/>).
    /// </remarks>
    public virtual IReadOnlyDictionary<string, FloatTensor> CreateWeights(ulong seed) =>
        GraphInitializer.Create(BuildGraph(), seed);
}
