namespace Bitis.Data.LabelMaps;

/// <summary>The label of each pixel of an image, as a file holds it.</summary>
/// <param name="Width">Pixels a row.</param>
/// <param name="Height">Rows.</param>
/// <param name="Labels">The labels, row by row.</param>
internal sealed record LabelMap(int Width, int Height, ushort[] Labels)
{
    /// <summary>The label of pixels that do not count.</summary>
    public const ushort Ignored = 255;

    /// <summary>Throws unless the map fits its image, and all labels are classes or <see cref="Ignored"/>.</summary>
    /// <param name="height">The image's height.</param>
    /// <param name="width">The image's width.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="name">The name of the map, for messages.</param>
    /// <exception cref="BitisException">The sizes differ, or a label is not a class.</exception>
    public void RequireFit(int height, int width, int classes, string name)
    {
        if ((width, height) != (Width, Height))
        {
            throw BitisException.InFile(
                name, $"the ground truth has {Width}×{Height} pixels, the image {width}×{height}.");
        }
        int wrong = Array.FindIndex(Labels, label => label >= classes && label != Ignored);
        if (wrong >= 0)
        {
            throw BitisException.InFile(
                name,
                $"the ground truth has the label {Labels[wrong]} at {wrong % Width}, {wrong / Width}; "
                + $"the model has {classes} classes, and {Ignored} stands for none.");
        }
    }

    /// <summary>The map where label 0 stands for no class: k becomes k − 1.</summary>
    public LabelMap WithoutZeroLabel() => this with
    {
        Labels = Array.ConvertAll(Labels, label => label is 0 or Ignored ? Ignored : (ushort)(label - 1)),
    };
}
