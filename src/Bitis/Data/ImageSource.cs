using System.Collections.Concurrent;
using Bitis.Data;
using Bitis.Data.Decoding;
using Bitis.Data.Sources;
using Bitis.Data.Sources.Labels;

namespace Bitis;

/// <summary>A finite, ordered set of images, each perhaps with a label.</summary>
/// <remarks>
/// Reading by index is thread-safe and always gives the same image, so sets can be sampled, sharded and read ahead.
/// </remarks>
public abstract class ImageSource : IDisposable
{
    private readonly ConcurrentDictionary<int, string> _warnings = [];

    /// <summary>How many images there are; at least one.</summary>
    public abstract int Count { get; }

    /// <summary>What the source is, for reports: <c>"CIFAR-10 (binary), 10000 images, 10 classes"</c>.</summary>
    public abstract string Description { get; }

    /// <summary>
    /// How pixels differ from those that decoders usually give (<see cref="IImageDecoder.Settings"/>).
    /// </summary>
    public virtual string? DecoderSettings => null;

    /// <summary>The names of the classes by index; null if they are not known.</summary>
    public virtual IReadOnlyList<string>? ClassNames => null;

    /// <summary>
    /// How many classes the set has, images or not; null if that is not known, and labels are numbers of whatever model
    /// they are for.
    /// </summary>
    public virtual int? ClassCount => ClassNames?.Count;

    /// <summary>Whether labels are said to be the model's own numbers, so that names may not contradict them.</summary>
    internal virtual bool HasModelLabels => false;

    /// <summary>
    /// What was left out when the set was opened, in sentences: <c>photos: 3 files left out: 2 text, 1 AVIF.</c>
    /// </summary>
    public virtual IReadOnlyList<string> Notices => [];

    /// <summary>Opens a set of images; what it is shows in its content.</summary>
    /// <remarks>
    /// A folder or a zip of class folders (index = ordinal order of the folder names), of images without labels, or of
    /// images with a <c>labels.csv</c>; a CSV file; CIFAR-10 or CIFAR-100, binary or as python's batches; IDX (MNIST)
    /// files, also gzipped; or one image. Tar archives, also gzipped, are as good as zips. The path may go on inside an
    /// archive: <c>cifar10.zip/test</c>.
    /// </remarks>
    /// <param name="path">Where the set is, or <c>builtin/train</c> or <c>builtin/test</c>.</param>
    /// <param name="decoder">
    /// What decodes image files; null where there are none: built-in images, CIFAR and IDX files. The package
    /// Bitis.Imaging has a form of this method with a decoder of its own.
    /// </param>
    /// <param name="cancellationToken">Ends the listing of files, and the unpacking of an archive.</param>
    /// <exception cref="BitisException">
    /// There is nothing at the path, or no images in it, or damage, or image files and no decoder.
    /// </exception>
    public static ImageSource Open(
        string path, IImageDecoder? decoder, CancellationToken cancellationToken = default) =>
        new SourceOpener(decoder, cancellationToken).Open(path);

    /// <summary>What messages and reports call an image.</summary>
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

    /// <summary>Reads an image with what is known of it.</summary>
    /// <exception cref="BitisException">The image is missing or damaged.</exception>
    internal LabeledImage ReadLabeled(int index) => new(Read(index), Label(index), Name(index));

    /// <summary>What was wrong with images that have been read and are used all the same, in their order.</summary>
    public IReadOnlyList<string> Warnings => [.. _warnings.OrderBy(entry => entry.Key).Select(entry => entry.Value)];

    /// <summary>The images at <paramref name="indices"/>, in that order. The parent must stay open.</summary>
    public ImageSource Subset(IReadOnlyList<int> indices) => new SubsetSource(this, indices);

    /// <summary>The same images, with names for their classes. The parent must stay open.</summary>
    /// <param name="names">The names, by label; as they are if the classes have names already.</param>
    /// <exception cref="BitisException">
    /// No image has a label, a label has no name, or the classes have other names already.
    /// </exception>
    public ImageSource WithClassNames(IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        int largest = Enumerable.Range(0, Count).Max(index => Label(index) ?? -1);
        if (largest < 0)
        {
            throw new BitisException(
                $"{Description}: the images have no labels, so nothing tells which of the class names are theirs. "
                + "Use images with labels, or leave the names out (eval: --classes).");
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
    /// A random sample of <paramref name="count"/> images without repetition, in the order of the source; all images if
    /// there are no more.
    /// </summary>
    /// <remarks>The same seed always gives the same sample. The parent must stay open.</remarks>
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

    /// <summary>The images that can be decoded. To find out, each is decoded once.</summary>
    /// <param name="leftOut">Why each of the others cannot be decoded, with its name, in their order.</param>
    /// <param name="threads">How many images are decoded at once; 0 for one on each processor.</param>
    /// <param name="progress">Hears of images done.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <exception cref="BitisException">None can be decoded, or there are too many threads.</exception>
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

    /// <summary>Reads and decodes the image at an index that was checked.</summary>
    protected abstract PixelImage ReadImage(int index);
}
