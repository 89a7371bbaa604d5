using System.Text.Json.Serialization;
using Bitis.Graphs;
using Bitis.Tensors;

namespace Bitis.Models;

/// <summary>The architecture of a model: everything that its graph depends on, and nothing else.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "family")]
[JsonDerivedType(typeof(VimConfig), "vim")]
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

    /// <summary>Writes the model down as a graph.</summary>
    public abstract Graph BuildGraph();
}
