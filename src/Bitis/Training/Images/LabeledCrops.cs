using Bitis.Data;
using Bitis.Data.LabelMaps;
using Bitis.Tensors;

namespace Bitis.Training.Images;

/// <summary>Squares of images with the labels of their pixels, at a random place of each image.</summary>
/// <remarks>
/// The shorter side of an image becomes that of the square, with its proportions. Where a square does not fit, pixels
/// are zero and have no label.
/// </remarks>
/// <param name="source">The images, with labels of their pixels.</param>
/// <param name="preprocessing">How images become the model's input.</param>
/// <param name="classes">The number of classes.</param>
/// <param name="reducesZeroLabel">Whether label 0 stands for no class, and k for class k − 1.</param>
internal sealed class LabeledCrops(
    ImageSource source, Preprocessing preprocessing, int classes, bool reducesZeroLabel)
{
    /// <summary>Reads a batch.</summary>
    /// <param name="start">The index of the first image.</param>
    /// <param name="count">How many images.</param>
    /// <param name="random">The random numbers of the image at an index.</param>
    /// <param name="cancellationToken">Ends the reading between two images.</param>
    /// <exception cref="BitisException">An image or its labels are missing or damaged, or do not fit.</exception>
    public ImageBatch Read(
        int start, int count, Func<int, SeededRandom> random, CancellationToken cancellationToken)
    {
        int side = preprocessing.CropSize, pixels = side * side;
        var images = new FloatTensor([count, preprocessing.Channels, side, side]);
        var labels = new ushort[count * pixels];
        Array.Fill(labels, LabelMap.Ignored);
        string[] names = new string[count];
        for (int i = 0; i < count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (PixelImage image, LabelMap map) = source.ReadWithPixelLabels(start + i);
            map = reducesZeroLabel ? map.WithoutZeroLabel() : map;
            map.RequireFit(image.Height, image.Width, classes, source.PixelLabelsName(start + i));
            names[i] = source.Name(start + i);
            int length = images.Length / count;
            Cut(
                WholeImage.Prepare(image, preprocessing), map, random(start + i),
                images.Span.Slice(i * length, length), labels.AsSpan(i * pixels, pixels));
        }
        return new ImageBatch(images, new int?[count], names, start) { PixelLabels = labels };
    }

    private void Cut(FloatTensor image, LabelMap map, SeededRandom random, Span<float> target, Span<ushort> labels)
    {
        (int channels, int height, int width, int side) =
            (image.Shape[1], image.Shape[2], image.Shape[3], preprocessing.CropSize);
        int top = random.NextInt32(Math.Max(0, height - side) + 1),
            left = random.NextInt32(Math.Max(0, width - side) + 1);
        (int rows, int columns) = (Math.Min(side, height), Math.Min(side, width));
        for (int y = 0; y < rows; y++)
        {
            for (int channel = 0; channel < channels; channel++)
            {
                image.Span.Slice((((channel * height) + top + y) * width) + left, columns)
                    .CopyTo(target[(((channel * side) + y) * side)..]);
            }
            int row = Nearest(top + y, map.Height, height) * map.Width;
            for (int x = 0; x < columns; x++)
                labels[(y * side) + x] = map.Labels[row + Nearest(left + x, map.Width, width)];
        }
    }

    /// <summary>The row or column of the labels in which the centre of one of the resized image lies.</summary>
    private static int Nearest(int place, int size, int resized) => (int)(((2L * place) + 1) * size / (2L * resized));
}
