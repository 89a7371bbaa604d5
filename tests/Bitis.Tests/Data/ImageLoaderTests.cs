using System.Collections.Concurrent;
using Bitis.Data;
using Bitis.Data.BuiltIn;
using Bitis.Data.Decoding;

namespace Bitis.Tests.Data;

public sealed class ImageLoaderTests
{
    private static readonly Preprocessing Small = Preprocessing.ForSize(8);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Batches_come_in_order_with_a_short_last_one(int threads)
    {
        using var source = new SyntheticImageSource(11, 8, 5, seed: 2);
        List<ImageBatch> batches = [.. ImageLoader.Load(source, Small, batchSize: 4, threads)];
        Assert.Equal([0, 4, 8], batches.Select(batch => batch.StartIndex));
        Assert.Equal([4, 4, 3], batches.Select(batch => batch.Count));
        Assert.Equal([3, 3, 8, 8], batches[2].Images.Shape);
        for (int i = 0; i < 11; i++)
        {
            ImageBatch batch = batches[i / 4];
            int plane = 3 * 8 * 8;
            Assert.True(batch.Images.Span.Slice(i % 4 * plane, plane).SequenceEqual(Small.Apply(source.Read(i)).Span));
            Assert.Equal((source.Label(i), source.Name(i)), (batch.Labels[i % 4], batch.Names[i % 4]));
        }
    }

    [Fact]
    public void A_damaged_image_ends_the_enumeration_with_its_message_after_the_good_batches()
    {
        using var source = new ProbeSource(20, failAt: 5);
        var seen = new List<int>();
        BitisException e = Assert.Throws<BitisException>(() =>
        {
            foreach (ImageBatch batch in ImageLoader.Load(source, Small, batchSize: 2, threads: 3))
                seen.Add(batch.StartIndex);
        });
        Assert.StartsWith("image 5: damaged. Leave out what cannot be decoded with --bad-images skip", e.Message);
        Assert.Equal([0, 2], seen);
        Assert.Equal(0, source.Active);
    }

    [Fact]
    public void Reading_ahead_is_bounded_and_stops_with_the_enumeration()
    {
        using var source = new ProbeSource(1000);
        foreach (ImageBatch batch in ImageLoader.Load(source, Small, batchSize: 2, threads: 3))
        {
            if (batch.StartIndex == 4)
                break;
        }
        Assert.Equal(0, source.Active);
        int readWhenStopped = source.Reads.Count;
        Assert.InRange(readWhenStopped, 6, 12); // three batches taken, at most three ahead
        Thread.Sleep(20);
        Assert.Equal(readWhenStopped, source.Reads.Count);
    }

    [Fact]
    public void The_next_batches_are_read_while_the_consumer_works()
    {
        using var source = new ProbeSource(100);
        foreach (ImageBatch batch in ImageLoader.Load(source, Small, batchSize: 2, threads: 2))
        {
            Assert.True(SpinWait.SpinUntil(() => source.Reads.Count == batch.StartIndex + 6, TimeSpan.FromSeconds(30)));
            if (batch.StartIndex == 20)
                break;
        }
    }

    [Fact]
    public void Cancellation_ends_the_enumeration()
    {
        using var source = new ProbeSource(1000);
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() =>
        {
            foreach (ImageBatch batch in ImageLoader.Load(source, Small, batchSize: 1, threads: 2, stop.Token))
                stop.Cancel();
        });
        Assert.Equal(0, source.Active);
        Assert.InRange(source.Reads.Count, 1, 10);
    }

    [Fact]
    public void Arguments_are_checked_at_the_call()
    {
        using var source = new ProbeSource(1);
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageLoader.Load(source, Small, batchSize: 0));
        Assert.Throws<BitisException>(() => ImageLoader.Load(source, Small with { CropSize = 9 }, batchSize: 1));
    }

    /// <summary>Notes which images were read, and how many reads are going on.</summary>
    private sealed class ProbeSource(int count, int failAt = -1) : ImageSource
    {
        private int _active;

        public ConcurrentDictionary<int, bool> Reads { get; } = [];

        public int Active => Volatile.Read(ref _active);

        public override int Count => count;

        public override string Description => "probe";

        public override string Name(int index) => $"image {index}";

        public override int? Label(int index) => null;

        protected override PixelImage ReadImage(int index)
        {
            Interlocked.Increment(ref _active);
            try
            {
                Reads[index] = true;
                Thread.Sleep(1);
                return index == failAt
                    ? throw BitisException.InFile(Name(index), "damaged.")
                    : TestImages.Noise(8, 8, index);
            }
            finally
            {
                Interlocked.Decrement(ref _active);
            }
        }
    }
}
