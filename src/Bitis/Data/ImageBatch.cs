
namespace Bitis.Data;

/// <summary>Consecutive images of a source, ready for a model.</summary>
/// <param name="Images"><c>[batch, 3, height, width]</c>, normalized.</param>
/// <param name="Labels">The class of each image; null where the source does not know it.</param>
/// <param name="Names">What reports call each image.</param>
/// <param name="StartIndex">The index of the first image in its source.</param>
internal sealed record ImageBatch(
    FloatTensor Images, IReadOnlyList<int?> Labels, IReadOnlyList<string> Names, int StartIndex)
{
    /// <summary>How many images there are; the last batch of a source may be shorter than the others.</summary>
    public int Count => Labels.Count;
}
