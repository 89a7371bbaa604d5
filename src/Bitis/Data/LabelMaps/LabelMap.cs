namespace Bitis.Data.LabelMaps;

/// <summary>The label of each pixel of an image, as a file holds it.</summary>
/// <param name="Width">Pixels a row.</param>
/// <param name="Height">Rows.</param>
/// <param name="Labels">The labels, row by row.</param>
internal sealed record LabelMap(int Width, int Height, ushort[] Labels)
{
    /// <summary>The label of pixels that do not count.</summary>
    public const ushort Ignored = 255;

    /// <summary>The map where label 0 stands for no class: k becomes k − 1.</summary>
    public LabelMap WithoutZeroLabel() => this with
    {
        Labels = Array.ConvertAll(Labels, label => label is 0 or Ignored ? Ignored : (ushort)(label - 1)),
    };
}
