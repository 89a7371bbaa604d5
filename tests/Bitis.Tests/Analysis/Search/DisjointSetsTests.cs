using Bitis.Analysis.Search;
using Bitis.Data;
using Bitis.Data.BuiltIn;

namespace Bitis.Tests.Analysis.Search;

/// <summary>The images that choose, those that report and those that calibrate have none in common.</summary>
public sealed class DisjointSetsTests
{
    private static readonly ImageSource Calibration = new BuiltInImageSource(BuiltInSplit.Train).Take(8, seed: 1);
    private static readonly ImageSource Data = new BuiltInImageSource(BuiltInSplit.Test).Take(61, seed: 2);

    [Fact]
    public void Halves_are_disjoint_and_have_all_classes_alike()
    {
        DisjointSets sets = Split(Data, seed: 3);
        string[] choosing = Names(sets.Choosing), reporting = Names(sets.Reporting);
        Assert.Empty(choosing.Intersect(reporting));
        Assert.Equal(Names(Data).Order(), choosing.Concat(reporting).Order());
        Assert.InRange(choosing.Length - reporting.Length, -1, 1);
        foreach (int label in Enumerable.Range(0, Data.Count).Select(index => Data.Label(index)!.Value).Distinct())
            Assert.InRange(Count(sets.Choosing, label) - Count(sets.Reporting, label), -1, 1);
    }

    [Fact]
    public void The_seed_decides()
    {
        DisjointSets first = Split(Data, seed: 3), same = Split(Data, seed: 3), other = Split(Data, seed: 4);
        Assert.Equal(Names(first.Choosing), Names(same.Choosing));
        Assert.Equal(first.Digest, same.Digest);
        Assert.NotEqual(Names(first.Choosing), Names(other.Choosing));
        Assert.NotEqual(first.Digest, other.Digest);
    }

    /// <summary>What was measured with other labels is not what a resumed search may take.</summary>
    [Fact]
    public void Labels_count()
    {
        DisjointSets sets = Split(Data, seed: 3), same = Split(new RelabeledSource(Data, 0), seed: 3);
        Assert.Equal(sets.Digest, same.Digest);
        Assert.NotEqual(sets.Digest, Split(new RelabeledSource(Data, 1), seed: 3).Digest);
    }

    [Fact]
    public void An_image_that_calibrates_is_refused_in_the_data()
    {
        ImageSource both = new PairedSource(Data, Calibration);
        BitisException e = Assert.Throws<BitisException>(() => Split(both, seed: 0));
        Assert.Contains(Calibration.Name(0), e.Message, StringComparison.Ordinal);
        Assert.Contains("7 more", e.Message, StringComparison.Ordinal);
        Assert.Contains("other images", e.Message, StringComparison.Ordinal);
    }

    /// <summary>An image that is in the data twice is in one half twice.</summary>
    [Fact]
    public void Equal_images_stay_together()
    {
        DisjointSets sets = Split(new PairedSource(Data, Data), seed: 5);
        Assert.Empty(Names(sets.Choosing).Intersect(Names(sets.Reporting)));
        Assert.Equal(2 * Data.Count, sets.Choosing.Count + sets.Reporting.Count);
    }

    [Fact]
    public void One_image_cannot_be_split() =>
        Assert.Contains(
            "at least two", Assert.Throws<BitisException>(() => Split(Data.Take(1, 0), 0)).Message,
            StringComparison.Ordinal);

    private static DisjointSets Split(ImageSource data, int seed) =>
        DisjointSets.Split(Calibration, data, seed, threads: 2, progress: null, default);

    private static string[] Names(ImageSource images) =>
        [.. Enumerable.Range(0, images.Count).Select(images.Name)];

    private static int Count(ImageSource images, int label) =>
        Enumerable.Range(0, images.Count).Count(index => images.Label(index) == label);

    /// <summary>The same images with other labels.</summary>
    private sealed class RelabeledSource(ImageSource inner, int shift) : ImageSource
    {
        public override int Count => inner.Count;

        public override string Description => inner.Description;

        public override IReadOnlyList<string>? ClassNames => inner.ClassNames;

        public override string Name(int index) => inner.Name(index);

        public override int? Label(int index) => inner.Label(index) + shift;

        protected override PixelImage ReadImage(int index) => inner.Read(index);
    }

    /// <summary>One source behind another.</summary>
    private sealed class PairedSource(ImageSource first, ImageSource second) : ImageSource
    {
        public override int Count => first.Count + second.Count;

        public override string Description => "two sources";

        public override string Name(int index) =>
            index < first.Count ? first.Name(index) : second.Name(index - first.Count);

        public override int? Label(int index) =>
            index < first.Count ? first.Label(index) : second.Label(index - first.Count);

        protected override PixelImage ReadImage(int index) =>
            index < first.Count ? first.Read(index) : second.Read(index - first.Count);
    }
}
