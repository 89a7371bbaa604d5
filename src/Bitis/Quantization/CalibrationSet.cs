using Bitis.Data;
using Bitis.Kernels.Dispatch;
using Bitis.Quantization.Calibration;
using Bitis.Tensors;

namespace Bitis;

/// <summary>
/// The images that a model is calibrated with. They can be read again, and must be the same each time.
/// </summary>
/// <remarks>
/// Methods read the set up to six times. A set of image files decodes them each time, ahead of the computation: that
/// takes a small part of the time that the model takes, and memory does not grow with the number of images. A digest
/// notices if the images have changed since the first time.
/// </remarks>
public sealed class CalibrationSet
{
    /// <summary>How many images are usual; fewer than 100 cost accuracy.</summary>
    public const int UsualImages = 256;

    private readonly Func<CancellationToken, IEnumerable<FloatTensor>> _batches;
    private readonly Func<int, string> _nameOf;
    private CalibrationDigest? _digest;

    private CalibrationSet(
        int count, Func<CancellationToken, IEnumerable<FloatTensor>> batches, Func<int, string> nameOf)
    {
        Count = count;
        _batches = batches;
        _nameOf = nameOf;
    }

    /// <summary>How many images there are; at least one.</summary>
    public int Count { get; }

    /// <summary>A set of images that are decoded whenever they are needed.</summary>
    /// <param name="source">The images; labels are not needed. It must stay open while the set is used.</param>
    /// <param name="preprocessing">How images become the model's input.</param>
    /// <param name="count">How many images to draw at random; all, if there are no more.</param>
    /// <param name="seed">The same seed draws the same images.</param>
    /// <param name="batchSize">Images at once; changes memory and time, not the result.</param>
    /// <param name="threads">How many batches are decoded ahead; 0 for one on each processor.</param>
    /// <exception cref="BitisException">
    /// There are too many threads, or the preprocessing does not fit together.
    /// </exception>
    public static CalibrationSet FromImages(
        ImageSource source,
        Preprocessing preprocessing,
        int count = UsualImages,
        int seed = 0,
        int batchSize = 16,
        int threads = 2)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(preprocessing);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        _ = ThreadCount.Resolve(threads);
        preprocessing.Validate();
        ImageSource images = source.Take(count, seed);
        return new CalibrationSet(
            images.Count,
            cancellationToken => ImageLoader.Load(images, preprocessing, batchSize, threads, cancellationToken)
                .Select(batch => batch.Images),
            images.Name);
    }

    /// <summary>A set of images that are in memory.</summary>
    /// <param name="batches">
    /// Images as the model takes them, <c>[batch, channels, height, width]</c>. All tensors are kept, and must not
    /// change while the set is used.
    /// </param>
    /// <exception cref="BitisException">There is no image.</exception>
    public static CalibrationSet FromTensors(params IEnumerable<FloatTensor> batches)
    {
        ArgumentNullException.ThrowIfNull(batches);
        FloatTensor[] kept = [.. batches];
        foreach (FloatTensor batch in kept)
        {
            ArgumentNullException.ThrowIfNull(batch, nameof(batches));
            if (batch.Shape.Rank != 4)
            {
                throw new ArgumentException(
                    $"Calibration images are [batch, channels, height, width], not {batch.Shape}.", nameof(batches));
            }
        }
        int count = kept.Sum(batch => batch.Shape[0]);
        return count > 0
            ? new CalibrationSet(count, _ => kept, index => $"calibration image {index}")
            : throw new BitisException("There is no image to calibrate with: give at least one, better 100 or more.");
    }

    /// <summary>What messages call an image, by its index in the set.</summary>
    internal string NameOf(int index) => _nameOf(index);

    /// <summary>
    /// Reads all images, in order. Whoever stops before the end gets no check that they are the same.
    /// </summary>
    /// <param name="cancellationToken">Ends the reading with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="BitisException">While reading: an image is damaged, or the images have changed.</exception>
    internal IEnumerable<FloatTensor> Read(CancellationToken cancellationToken)
    {
        using var hash = new CalibrationHash();
        int images = 0;
        foreach (FloatTensor batch in _batches(cancellationToken))
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Before the consumer sees it: what the consumer does to a batch is none of the set's business.
            hash.Append(batch);
            images += batch.Shape[0];
            yield return batch;
        }
        CalibrationDigest digest = hash.Finish(images);
        if ((Interlocked.CompareExchange(ref _digest, digest, null) ?? digest) != digest)
        {
            throw new BitisException(
                $"The calibration images changed while they were used: {DisplayText.Count(Count, "image")} gave other "
                + "pixels than when they were read before. Start again, and leave files and tensors as they are.");
        }
    }

    /// <summary>What the images are: known once they have been read to the end.</summary>
    internal CalibrationDigest Digest =>
        _digest ?? throw new InvalidOperationException("The images have not been read yet.");
}
