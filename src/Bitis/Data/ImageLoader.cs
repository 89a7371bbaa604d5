using Bitis.Data.Decoding;
using Bitis.Kernels.Dispatch;

namespace Bitis.Data;

/// <summary>Reads, decodes and preprocesses the images of a source on other threads, ahead of their consumer.</summary>
internal static class ImageLoader
{
    /// <summary>All images of a source in its order, in batches.</summary>
    /// <remarks>
    /// At most one batch for each thread is in progress or waiting. So memory is limited, however slow the consumer is.
    /// Stopping the enumeration early stops the threads.
    /// </remarks>
    /// <param name="source">The images. It must stay open during the enumeration.</param>
    /// <param name="preprocessing">How pixels become the model's input.</param>
    /// <param name="batchSize">Images a batch; the last batch may be shorter.</param>
    /// <param name="threads">How many batches are prepared at once; 0 for one on each processor.</param>
    /// <param name="cancellationToken">Ends the enumeration with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="BitisException">
    /// There are too many threads. During the enumeration: an image is damaged (batches before it are delivered), or a
    /// batch exceeds the size of a tensor.
    /// </exception>
    public static IEnumerable<ImageBatch> Load(
        ImageSource source,
        Preprocessing preprocessing,
        int batchSize,
        int threads = 2,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(preprocessing);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        preprocessing.Validate();
        return Load(
            source.Count, batchSize, threads,
            (start, count, token) => ReadBatch(source, preprocessing, start, count, token), cancellationToken);
    }

    /// <summary>As the other method, with batches that a function reads.</summary>
    /// <param name="images">How many images there are.</param>
    /// <param name="batchSize">Images a batch; the last batch may be shorter.</param>
    /// <param name="threads">How many batches are prepared at once; 0 for one on each processor.</param>
    /// <param name="read">Reads a batch: the index of its first image, and their number.</param>
    /// <param name="cancellationToken">Ends the enumeration with an <see cref="OperationCanceledException"/>.</param>
    public static IEnumerable<ImageBatch> Load(
        int images, int batchSize, int threads, Func<int, int, CancellationToken, ImageBatch> read,
        CancellationToken cancellationToken) =>
        Enumerate(images, batchSize, ThreadCount.Resolve(threads), read, cancellationToken);

    private static IEnumerable<ImageBatch> Enumerate(
        int images, int batchSize, int threads, Func<int, int, CancellationToken, ImageBatch> read,
        CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var underWay = new Queue<Task<ImageBatch>>();
        int next = 0;
        try
        {
            StartMore();
            while (underWay.Count > 0)
            {
                cancellationToken.ThrowIfCancellationRequested(); // even if the next batch is there already
                ImageBatch batch = Finish(underWay.Dequeue());
                StartMore();
                yield return batch;
            }
        }
        finally
        {
            // The source must not be used after the enumeration has ended, so wait for the running batches.
            stop.Cancel();
            Task.WhenAll(underWay).ContinueWith(
                static all => _ = all.Exception, // failures of batches that are not used
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default).Wait(CancellationToken.None);
        }

        void StartMore()
        {
            while (underWay.Count < threads && next < images)
            {
                int start = next;
                int count = Math.Min(batchSize, images - start);
                CancellationToken token = stop.Token;
                // Dedicated threads: the pool's threads may all be busy with the previous batch, and this one would be
                // read too late.
                underWay.Enqueue(Task.Factory.StartNew(
                    () => read(start, count, token), token, TaskCreationOptions.LongRunning, TaskScheduler.Default));
                next += count;
            }
        }
    }

    /// <summary>Waits without wrapping the failure in an <see cref="AggregateException"/>.</summary>
    private static ImageBatch Finish(Task<ImageBatch> batch) => batch.GetAwaiter().GetResult();

    private static ImageBatch ReadBatch(
        ImageSource source, Preprocessing preprocessing, int start, int count, CancellationToken cancellationToken)
    {
        int size = preprocessing.CropSize;
        FloatTensor images = FloatTensor.Uninitialized([count, preprocessing.Channels, size, size]);
        int imageLength = images.Length / count;
        var labels = new int?[count];
        string[] names = new string[count];
        for (int i = 0; i < count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            LabeledImage image = Read(source, start + i);
            preprocessing.Apply(image.Image, images.Span.Slice(i * imageLength, imageLength));
            labels[i] = image.Label;
            names[i] = image.Name;
        }
        return new ImageBatch(images, labels, names, start);
    }

    private static LabeledImage Read(ImageSource source, int index)
    {
        try
        {
            return source.ReadLabeled(index);
        }
        catch (BitisException e) when (source.Count > 1)
        {
            throw new BitisException(
                $"{e.Message} Leave out what cannot be decoded with --bad-images skip (in the library: "
                + "ImageSource.WithoutDamaged).",
                e);
        }
    }
}
