using Bitis.Data.Decoding;
using Bitis.Tensors;

namespace Bitis.Data;

/// <summary>Square windows of images that are resized as <see cref="WholeImage"/> does, one of each image.</summary>
internal static class ImageWindows
{
    /// <summary>The windows of a source's images, in batches <c>[batch, channels, size, size]</c>.</summary>
    /// <param name="source">The images.</param>
    /// <param name="preprocessing">How pixels become the model's input; the window has its size.</param>
    /// <param name="seed">The same seed gives the same windows, in each pass over the images.</param>
    /// <param name="batchSize">Windows in a batch; the last batch may be shorter.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="BitisException">While reading: an image is damaged.</exception>
    public static IEnumerable<FloatTensor> Read(
        ImageSource source, Preprocessing preprocessing, int seed, int batchSize, CancellationToken cancellationToken)
    {
        var random = new SeededRandom((ulong)seed);
        for (int start = 0; start < source.Count; start += batchSize)
        {
            int count = Math.Min(batchSize, source.Count - start), size = preprocessing.CropSize;
            FloatTensor batch = FloatTensor.Uninitialized([count, preprocessing.Channels, size, size]);
            int length = batch.Length / count;
            for (int i = 0; i < count; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                FloatTensor image = WholeImage.Prepare(source.Read(start + i), preprocessing);
                Cut(image, size, random, batch.Span.Slice(i * length, length));
            }
            yield return batch;
        }
    }

    /// <summary>Copies a window at a random place. Where the image is too small, its edge is repeated.</summary>
    private static void Cut(FloatTensor image, int size, SeededRandom random, Span<float> window)
    {
        (int height, int width) = (image.Shape[2], image.Shape[3]);
        int top = random.NextInt32(Math.Max(1, height - size + 1)),
            left = random.NextInt32(Math.Max(1, width - size + 1));
        for (int i = 0; i < window.Length; i++)
        {
            (int line, int column) = Math.DivRem(i, size);
            (int channel, int row) = Math.DivRem(line, size);
            int y = Math.Min(top + row, height - 1), x = Math.Min(left + column, width - 1);
            window[i] = image.Span[(((channel * height) + y) * width) + x];
        }
    }
}
