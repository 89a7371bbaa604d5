using Bitis.Tensors;

namespace Bitis.Data;

/// <summary>Batches of images with the pose of the shape in each of them.</summary>
internal static class PoseBatches
{
    /// <summary>All images of a source in its order, in batches that are read ahead.</summary>
    /// <param name="source">The images, with poses.</param>
    /// <param name="preprocessing">How pixels become the model's input. Images have its size already.</param>
    /// <param name="batchSize">Images a batch; the last batch may be shorter.</param>
    /// <param name="threads">How many batches are prepared at once.</param>
    /// <param name="cancellationToken">Ends the enumeration.</param>
    /// <exception cref="BitisException">The model takes images of another size.</exception>
    public static IEnumerable<ImageBatch> Load(
        ImageSource source, Preprocessing preprocessing, int batchSize, int threads,
        CancellationToken cancellationToken)
    {
        return ImageLoader.Load(source.Count, batchSize, threads, Read, cancellationToken);

        ImageBatch Read(int start, int count, CancellationToken token)
        {
            (int channels, int side) = (preprocessing.Channels, preprocessing.CropSize);
            FloatTensor images = FloatTensor.Uninitialized([count, channels, side, side]);
            int length = images.Length / count;
            var poses = new ShapePose[count];
            for (int i = 0; i < count; i++)
            {
                token.ThrowIfCancellationRequested();
                (PixelImage image, poses[i]) = source.ReadWithPose(start + i);
                if ((image.Width, image.Height, preprocessing.ResizeShorterSide) != (side, side, side))
                {
                    throw new BitisException(
                        $"{source.Description}: poses are known for images of {image.Width}×{image.Height} pixels, "
                        + $"and the model takes {side}×{side}.");
                }
                preprocessing.Apply(image, images.Span.Slice(i * length, length));
            }
            string[] names = [.. Enumerable.Range(start, count).Select(source.Name)];
            return new ImageBatch(images, new int?[count], names, start) { Poses = poses };
        }
    }
}
