using Bitis.Data.Decoding;
using Bitis.Kernels.Dispatch;

namespace Bitis.Data;

/// <summary>
/// Reads, decodes and preprocesses the images of a source on other threads, ahead of whoever consumes them.
/// </summary>
internal static class ImageLoader
{
    /// <summary>All images of a source in its order, in batches.</summary>
    /// <remarks>
    /// As many batches as there are threads are under way or waiting, no more, so memory stays bounded however slow the
    /// consumer is. Stopping the enumeration early stops the threads.
    /// </remarks>
    /// <param name="source">Where the images come from; it must stay open during the enumeration.</param>
    /// <param name="preprocessing">How pixels become the model's input.</param>
    /// <param name="batchSize">Images a batch; the last batch may be shorter.</param>
    /// <param name="threads">How many batches are prepared at once; 0 for one on each processor.</param>
    /// <param name="cancellationToken">Ends the enumeration with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="BitisException">
    /// There are too many threads. While enumerating: an image is damaged, and the batches before it were delivered; or
    /// a batch is more than a tensor can hold.
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
        threads = ThreadCount.Resolve(threads);
        preprocessing.Validate();
        return Enumerate(source, preprocessing, batchSize, threads, cancellationToken);
    }

    private static IEnumerable<ImageBatch> Enumerate(
        ImageSource source, Preprocessing preprocessing, int batchSize, int threads,
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
            // Nobody may touch the source after the enumeration has ended, so wait for what is still running.
            stop.Cancel();
            Task.WhenAll(underWay).ContinueWith(
                static all => _ = all.Exception, // of batches that nobody will see
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default).Wait(CancellationToken.None);
        }

        void StartMore()
        {
            while (underWay.Count < threads && next < source.Count)
            {
                int start = next;
                int count = Math.Min(batchSize, source.Count - start);
                CancellationToken token = stop.Token;
                // Threads of their own: those of the pool may all be busy with the batch before, and this one would
                // only be read when it is due.
                underWay.Enqueue(Task.Factory.StartNew(
                    () =>
                        ReadBatch(source, preprocessing, start, count, token), token, TaskCreationOptions.LongRunning,
                            TaskScheduler.Default));
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
