
namespace Bitis.Data;

/// <summary>Consecutive images of a source, preprocessed for a model.</summary>
/// <param name="Images"><c>[batch, 3, height, width]</c>, normalized.</param>
/// <param name="Labels">The class of each image; null if it is not known.</param>
/// <param name="Names">The name of each image in reports.</param>
/// <param name="StartIndex">The index of the first image in its source.</param>
internal sealed record ImageBatch(
    FloatTensor Images, IReadOnlyList<int?> Labels, IReadOnlyList<string> Names, int StartIndex)
{
    /// <summary>The label of each pixel, <c>[batch, height, width]</c>; null if pixels have none.</summary>
    public ushort[]? PixelLabels { get; init; }

    /// <summary>The pose of the shape in each image; null if it is not known.</summary>
    public ShapePose[]? Poses { get; init; }

    /// <summary>The number of images. The last batch of a source may be shorter.</summary>
    public int Count => Labels.Count;
}
