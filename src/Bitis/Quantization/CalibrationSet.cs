using Bitis.Data;
using Bitis.Kernels.Dispatch;
using Bitis.Quantization.Calibration;
using Bitis.Tensors;

namespace Bitis;

/// <summary>The images for calibration. They are read several times, and must be the same each time.</summary>
/// <remarks>
/// Methods read the set up to six times. A set of image files decodes them each time, ahead of the computation. This
/// takes a small part of the model's time, and memory does not grow with the number of images. A digest detects images
/// that have changed since the first pass.
/// </remarks>
public sealed class CalibrationSet
{
    /// <summary>The usual number of images. Fewer than 100 cost accuracy.</summary>
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

    /// <summary>The number of images, at least one.</summary>
    public int Count { get; }

    /// <summary>The images before preprocessing; null for a set of tensors.</summary>
    internal ImageSource? Images { get; private init; }

    /// <summary>A set of images that are decoded each time they are read.</summary>
    /// <param name="source">The images; labels are not needed. It must stay open while the set is used.</param>
    /// <param name="preprocessing">How images become the model's input.</param>
    /// <param name="count">How many images to draw at random; all if the source has no more.</param>
    /// <param name="seed">The same seed draws the same images.</param>
    /// <param name="batchSize">Images in a batch. It changes memory and time, not the result.</param>
    /// <param name="threads">How many batches are decoded ahead; 0 for one on each processor.</param>
    /// <exception cref="BitisException">
    /// There is no image, there are too many threads, or the preprocessing is invalid.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The count or the batch size is not positive.</exception>
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
        if (images.Count == 0)
            throw NoImages();
        return new CalibrationSet(
            images.Count,
            cancellationToken => ImageLoader.Load(images, preprocessing, batchSize, threads, cancellationToken)
                .Select(batch => batch.Images),
            images.Name)
        {
            Images = images,
        };
    }

    /// <summary>A set of square windows of images, for a model that segments.</summary>
    /// <remarks>
    /// Images are resized as for segmentation. Each gives one window of the model's size, at a random place.
    /// </remarks>
    /// <param name="source">The images; labels are not needed. It must stay open while the set is used.</param>
    /// <param name="preprocessing">How images become the model's input.</param>
    /// <param name="count">How many images to draw at random; all if the source has no more.</param>
    /// <param name="seed">The same seed draws the same images and windows.</param>
    /// <param name="batchSize">Windows in a batch. It changes memory and time, not the result.</param>
    /// <exception cref="BitisException">There is no image, or the preprocessing is invalid.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The count or the batch size is not positive.</exception>
    public static CalibrationSet FromWindows(
        ImageSource source, Preprocessing preprocessing, int count = UsualImages, int seed = 0, int batchSize = 2)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(preprocessing);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        preprocessing.Validate();
        ImageSource images = source.Take(count, seed);
        if (images.Count == 0)
            throw NoImages();
        return new CalibrationSet(
            images.Count,
            cancellationToken => ImageWindows.Read(images, preprocessing, seed, batchSize, cancellationToken),
            images.Name)
        {
            Images = images,
        };
    }

    /// <summary>A set of images that are in memory.</summary>
    /// <param name="batches">
    /// Preprocessed images, <c>[batch, channels, height, width]</c>. The tensors are kept without a copy, and must not
    /// change while the set is used.
    /// </param>
    /// <exception cref="BitisException">There is no image.</exception>
    /// <exception cref="ArgumentException">A tensor has another rank.</exception>
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
            : throw NoImages();
    }

    /// <summary>An image's name in messages, by its index in the set.</summary>
    internal string NameOf(int index) => _nameOf(index);

    /// <summary>Reads all images, in order. Only a complete pass checks that they have not changed.</summary>
    /// <param name="cancellationToken">Ends the reading with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="BitisException">While reading: an image is damaged, or the images have changed.</exception>
    internal IEnumerable<FloatTensor> Read(CancellationToken cancellationToken)
    {
        using var hash = new CalibrationHash();
        int images = 0;
        foreach (FloatTensor batch in _batches(cancellationToken))
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Hashed before the consumer gets the batch, since the consumer may change it.
            hash.Append(batch);
            images += batch.Shape[0];
            yield return batch;
        }
        CalibrationDigest digest = hash.Finish(images);
        if ((Interlocked.CompareExchange(ref _digest, digest, null) ?? digest) != digest)
        {
            throw new BitisException(
                $"The calibration images changed while they were used: of {DisplayText.Count(Count, "image")}, "
                + "at least one has other pixels than in the first pass. Start again, and do not change files or "
                + "tensors meanwhile.");
        }
    }

    private static BitisException NoImages() =>
        new("There is no image to calibrate with: give at least one, better 100 or more.");

    /// <summary>The digest of the images; available after a complete pass.</summary>
    internal CalibrationDigest Digest =>
        _digest ?? throw new InvalidOperationException("The images have not been read yet.");
}
