using Bitis.Kernels.Dispatch;

namespace Bitis.Data.Decoding;

/// <summary>Which images of a source can be decoded.</summary>
/// <remarks>
/// A run over <see cref="Good"/> does not end because of a damaged file, and its order, batches and labels are those of
/// a set without it.
/// </remarks>
internal sealed class ImageCheck
{
    private ImageCheck(ImageSource? good, IReadOnlyList<BadImage> bad)
    {
        Good = good;
        Bad = bad;
    }

    /// <summary>The images that can be decoded; null if there are none.</summary>
    public ImageSource? Good { get; }

    /// <summary>The images that cannot be decoded, in the order of the source.</summary>
    public IReadOnlyList<BadImage> Bad { get; }

    /// <summary>Decodes every image of a source once, and keeps none of them.</summary>
    /// <param name="source">The images; it must stay open as long as <see cref="Good"/> is used.</param>
    /// <param name="threads">How many images are decoded at once; 0 for one on each processor.</param>
    /// <param name="progress">Hears of images done.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <exception cref="BitisException">There are too many threads.</exception>
    public static ImageCheck Of(
        ImageSource source,
        int threads = 0,
        IProgress<WorkProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        var reasons = new string?[source.Count];
        int done = 0;
        var options = new ParallelOptions
        {
            MaxDegreeOfParallelism = ThreadCount.Resolve(threads),
            CancellationToken = cancellationToken,
        };
        Parallel.For(0, source.Count, options, index =>
        {
            try
            {
                source.Read(index);
            }
            catch (BitisException e)
            {
                reasons[index] = e.Message;
            }
            progress?.Report(new WorkProgress("checking images", Interlocked.Increment(ref done), source.Count));
        });
        int[] good = [.. Enumerable.Range(0, source.Count).Where(index => reasons[index] is null)];
        BadImage[] bad =
        [
            .. Enumerable.Range(0, source.Count)
                .Where(index => reasons[index] is not null)
                .Select(index => new BadImage(source.Name(index), reasons[index]!)),
        ];
        return bad.Length == 0
            ? new ImageCheck(source, bad)
            : new ImageCheck(good.Length == 0 ? null : source.Subset(good), bad);
    }

    /// <summary>The images that can be decoded.</summary>
    /// <exception cref="BitisException">There are none.</exception>
    public ImageSource RequireGood() => Good ?? throw new BitisException(
        Bad.Count == 1
            ? Bad[0].Reason
            : $"None of the {Bad.Count} images can be decoded. The first: {Bad[0].Reason}");
}
