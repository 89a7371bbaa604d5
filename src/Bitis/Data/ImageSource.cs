using System.Collections.Concurrent;
using Bitis.Data;
using Bitis.Data.Decoding;
using Bitis.Data.LabelMaps;
using Bitis.Data.Sources;
using Bitis.Data.Sources.Labels;

namespace Bitis;

/// <summary>A finite, ordered set of images, with or without labels.</summary>
/// <remarks>
/// Reading by index is thread-safe and always gives the same image. So sets can be sampled, sharded and read ahead.
/// </remarks>
public abstract class ImageSource : IDisposable
{
    private readonly ConcurrentDictionary<int, string> _warnings = [];

    /// <summary>The number of images, at least one.</summary>
    public abstract int Count { get; }

    /// <summary>A description for reports: <c>"CIFAR-10 (binary), 10000 images, 10 classes"</c>.</summary>
    public abstract string Description { get; }

    /// <summary>
    /// How pixels differ from the usual ones (<see cref="IImageDecoder.Settings"/>); null if they do not.
    /// </summary>
    public virtual string? DecoderSettings => null;

    /// <summary>The names of the classes by index; null if they are not known.</summary>
    public virtual IReadOnlyList<string>? ClassNames => null;

    /// <summary>The number of classes in the set, with or without images; null if it is not known.</summary>
    /// <remarks>If it is null, labels are class numbers of the model that the set was made for.</remarks>
    public virtual int? ClassCount => ClassNames?.Count;

    /// <summary>Whether labels are the model's own class numbers, so that names must not contradict them.</summary>
    internal virtual bool HasModelLabels => false;

    /// <summary>Whether each pixel of each image has a label.</summary>
    internal virtual bool HasPixelLabels => false;

    /// <summary>Whether the pose of the shape in each image is known.</summary>
    internal virtual bool HasPoses => false;

    /// <summary>
    /// Sentences about files left out when the set was opened: <c>photos: 3 files left out: 2 text, 1 AVIF.</c>
    /// </summary>
    public virtual IReadOnlyList<string> Notices => [];

    /// <summary>Opens a set of images. Its form is recognized by content.</summary>
    /// <remarks>
    /// A set is a folder or a zip archive. It has class folders (numbered in ordinal order of their names), images
    /// without labels, or images with a <c>labels.csv</c>. It can also be a CSV file, CIFAR-10 or CIFAR-100 (binary or
    /// Python's batches), IDX files (MNIST), also gzipped, or one image. Tar archives, also gzipped, work like zip
    /// archives. The path may continue inside an archive: <c>cifar10.zip/test</c>.
    /// </remarks>
    /// <param name="path">The path of the set, or <c>builtin/train</c> or <c>builtin/test</c>.</param>
    /// <param name="decoder">
    /// The decoder of image files; null for sets without them (built-in images, CIFAR, IDX). <c>ImageSource.Open</c> of
    /// the package Bitis.Imaging brings its own decoder.
    /// </param>
    /// <param name="cancellationToken">Ends the listing of files, and the unpacking of an archive.</param>
    /// <exception cref="BitisException">
    /// The path does not exist, has no images, a file is damaged, or image files have no decoder.
    /// </exception>
    public static ImageSource Open(
        string path, IImageDecoder? decoder, CancellationToken cancellationToken = default) =>
        new SourceOpener(decoder, cancellationToken).Open(path);

    /// <summary>The name of an image in messages and reports.</summary>
    public abstract string Name(int index);

    /// <summary>The label of an image without decoding it; null if it is not known.</summary>
    public abstract int? Label(int index);

    /// <summary>Reads and decodes one image. Safe to call from several threads.</summary>
    /// <exception cref="BitisException">The image is missing or damaged.</exception>
    public PixelImage Read(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        PixelImage image = ReadImage(index);
        if (image.Warning is { } warning)
            _warnings[index] = $"{Name(index)}: {warning}";
        return image;
    }

    /// <summary>Reads an image with its label and name.</summary>
    /// <exception cref="BitisException">The image is missing or damaged.</exception>
    internal LabeledImage ReadLabeled(int index) => new(Read(index), Label(index), Name(index));

    /// <summary>Reads an image with the labels of its pixels, as they are stored.</summary>
    /// <exception cref="BitisException">The image or its labels are missing or damaged.</exception>
    internal virtual (PixelImage Image, LabelMap Labels) ReadWithPixelLabels(int index) =>
        throw new InvalidOperationException($"{Description}: pixels have no labels.");

    /// <summary>Reads an image with the pose of its shape.</summary>
    internal virtual (PixelImage Image, ShapePose Pose) ReadWithPose(int index) =>
        throw new InvalidOperationException($"{Description}: poses are not known.");

    /// <summary>The name of the labels of an image's pixels in messages.</summary>
    internal virtual string PixelLabelsName(int index) => Name(index);

    /// <summary>The same images with labels of their pixels, from a folder of PNG files.</summary>
    internal ImageSource WithPixelLabels(string folder) => new PixelLabelsSource(this, new GroundTruth(folder));

    /// <summary>Warnings about damaged images that could still be read so far, in their order.</summary>
    public IReadOnlyList<string> Warnings => [.. _warnings.OrderBy(entry => entry.Key).Select(entry => entry.Value)];

    /// <summary>The images at <paramref name="indices"/>, in that order. The parent must stay open.</summary>
    public ImageSource Subset(IReadOnlyList<int> indices) => new SubsetSource(this, indices);

    /// <summary>The same images, with names for their classes. The parent must stay open.</summary>
    /// <param name="names">The names, by label. If the classes have names already, they must be the same.</param>
    /// <exception cref="BitisException">
    /// No image has a label, a label has no name, or the classes have other names.
    /// </exception>
    public ImageSource WithClassNames(IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        int largest = Enumerable.Range(0, Count).Max(index => Label(index) ?? -1);
        if (largest < 0 && !HasPixelLabels)
        {
            throw new BitisException(
                $"{Description}: the images have no labels, so class names cannot be assigned. Use images with labels, "
                + "or leave the names out (eval: --classes).");
        }
        if (ClassNames is { } known && !known.SequenceEqual(names))
        {
            string some = string.Join(", ", known.Take(2).Select(name => DisplayText.Of(name)));
            throw new BitisException(
                $"{Description}: the classes have names already ({some}, ...), which others would replace. "
                + "Rename the folders or labels, or leave the names out (eval: --classes).");
        }
        int needed = ClassCount ?? largest + 1;
        return names.Count >= needed ? new NamedClassesSource(this, names) : throw new BitisException(
            $"{Description}: {DisplayText.Count(names.Count, "class name")} for images of "
            + $"{DisplayText.Count(needed, "class")}; one for each was expected.");
    }

    /// <summary>
    /// A random sample of at most <paramref name="count"/> images without repetition, in the order of the source.
    /// </summary>
    /// <remarks>The same seed always gives the same sample. The parent must stay open.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">The count is not positive.</exception>
    public ImageSource Take(int count, int seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        if (count >= Count)
            return this;
        int[] indices = [.. Enumerable.Range(0, Count)];
        new Random(seed).Shuffle(indices);
        int[] sample = indices[..count];
        Array.Sort(sample);
        return Subset(sample);
    }

    /// <summary>The images of the set that can be decoded. Each image is decoded once to check it.</summary>
    /// <param name="leftOut">
    /// A message for each other image, with its name and the reason, in the order of the set.
    /// </param>
    /// <param name="threads">How many images are decoded at once; 0 for one on each processor.</param>
    /// <param name="progress">Receives the number of images done.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <exception cref="BitisException">No image can be decoded, or there are too many threads.</exception>
    public ImageSource WithoutDamaged(
        out IReadOnlyList<string> leftOut,
        int threads = 0,
        IProgress<WorkProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        var check = ImageCheck.Of(this, threads, progress, cancellationToken);
        leftOut = [.. check.Bad.Select(image => image.Reason)];
        return check.RequireGood();
    }

    /// <summary>Closes the files that the source keeps open.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes the files that the source keeps open.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>Reads and decodes the image at a valid index.</summary>
    protected abstract PixelImage ReadImage(int index);
}
