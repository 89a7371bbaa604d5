using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Bitis.Kernels.Dispatch;

namespace Bitis.Analysis.Search;

/// <summary>Splits images into those that choose and those that report, apart from those that calibrate.</summary>
/// <remarks>Images are compared by their pixels. Equal ones of the data stay together in one half.</remarks>
/// <param name="Choosing">The images by which a recipe is chosen.</param>
/// <param name="Reporting">The images on which the chosen one is measured.</param>
/// <param name="Digest">A digest of the calibration, and of the images that choose with their labels.</param>
internal sealed record DisjointSets(ImageSource Choosing, ImageSource Reporting, string Digest)
{
    /// <summary>Draws the halves, class by class.</summary>
    /// <param name="calibration">The images that calibrate.</param>
    /// <param name="data">The images to split; they must stay open.</param>
    /// <param name="seed">The same seed gives the same halves.</param>
    /// <param name="threads">How many images are decoded at once; 0 for one on each processor.</param>
    /// <param name="progress">Receives the number of images done.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="BitisException">An image calibrates and is in the data, or there is only one.</exception>
    public static DisjointSets Split(
        ImageSource calibration, ImageSource data, int seed, int threads, IProgress<WorkProgress>? progress,
        CancellationToken cancellationToken)
    {
        string[] calibrating = Digests(calibration, threads, progress, cancellationToken);
        string[] all = Digests(data, threads, progress, cancellationToken);
        RequireDisjoint(calibration, calibrating, data, all);
        int[][] groups =
            [.. all.Index().GroupBy(entry => entry.Item, entry => entry.Index).Select(group => group.ToArray())];
        if (groups.Length < 2)
        {
            throw new BitisException(
                $"{data.Description}: half of the images chooses and half reports, so at least two are needed.");
        }
        List<int> choosing = [], reporting = [];
        var random = new Random(seed);
        foreach (IGrouping<int, int[]> label in groups
            .GroupBy(group => data.Label(group[0]) ?? -1).OrderBy(label => label.Key))
        {
            int[][] drawn = [.. label];
            random.Shuffle(drawn);
            int balance = Math.Sign(choosing.Count - reporting.Count); // starts where fewer are so far
            foreach (int[] group in drawn)
            {
                (balance > 0 ? reporting : choosing).AddRange(group);
                balance += balance > 0 ? -group.Length : group.Length;
            }
        }
        choosing.Sort();
        reporting.Sort();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string digest in calibrating)
            hash.AppendData(Encoding.ASCII.GetBytes(digest));
        if (data.ClassNames is { } names)
            hash.AppendData(Encoding.UTF8.GetBytes(string.Join('\n', names)));
        foreach (int index in choosing)
        {
            hash.AppendData(Encoding.ASCII.GetBytes($"{all[index]} {data.Label(index)} "));
            if (data.HasPixelLabels)
            {
                cancellationToken.ThrowIfCancellationRequested();
                hash.AppendData(MemoryMarshal.AsBytes<ushort>(data.ReadWithPixelLabels(index).Labels.Labels));
            }
        }
        return new DisjointSets(
            data.Subset(choosing), data.Subset(reporting), Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    private static void RequireDisjoint(
        ImageSource calibration, string[] calibrating, ImageSource data, string[] all)
    {
        Dictionary<string, int> known = [];
        foreach ((int index, string digest) in calibrating.Index())
            known.TryAdd(digest, index);
        int[] shared = [.. Enumerable.Range(0, all.Length).Where(index => known.ContainsKey(all[index]))];
        if (shared.Length > 0)
        {
            string more = shared.Length == 1 ? "" : $", and so are {shared.Length - 1} more";
            throw new BitisException(
                $"{data.Name(shared[0])} of the data is also in the calibration, as "
                + $"{calibration.Name(known[all[shared[0]]])}{more}. What calibrates must neither choose nor report: "
                + "give other images.");
        }
    }

    private static string[] Digests(
        ImageSource images, int threads, IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        var digests = new string[images.Count];
        int done = 0;
        var options = new ParallelOptions
        {
            MaxDegreeOfParallelism = ThreadCount.Resolve(threads),
            CancellationToken = cancellationToken,
        };
        try
        {
            Parallel.For(0, images.Count, options, index =>
            {
                digests[index] = DigestOf(images.Read(index));
                progress?.Report(new WorkProgress("comparing images", Interlocked.Increment(ref done), images.Count));
            });
        }
        catch (AggregateException e) when (e.InnerException is BitisException inner)
        {
            throw new BitisException(inner.Message, e);
        }
        return digests;
    }

    private static string DigestOf(PixelImage image)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> size = stackalloc byte[3 * sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(size, image.Width);
        BinaryPrimitives.WriteInt32LittleEndian(size[sizeof(int)..], image.Height);
        BinaryPrimitives.WriteInt32LittleEndian(size[(2 * sizeof(int))..], image.Channels);
        hash.AppendData(size);
        hash.AppendData(image.Pixels);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
