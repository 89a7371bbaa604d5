using Bitis.Checkpoints;
using Bitis.Data;
using Bitis.Execution.Sessions.Maps;
using Bitis.Models.Segmentation;
using Bitis.Tests.Models;

namespace Bitis.Tests.Runtime;

/// <summary>Sessions of models that give a class to each pixel, against the official results.</summary>
public sealed class SegmentationSessionTests
{
    private const double Tolerance = 1e-4;
    private const string Name = "vmamba-seg-micro";

    [Fact]
    public void Logits_and_classes_of_a_batch_are_the_official_ones()
    {
        using Checkpoint golden = SegmentationGoldenTests.Open(Name);
        using SegmentationSession session = Create(threads: 2);
        FloatTensor logits = session.Run(golden.Read("input"));
        TensorAssert.Close(golden.Read("logits"), logits, Tolerance, "logits");
        Assert.Equal(Labels(golden, "labels_map"), Classes(logits));
        using SegmentationSession alone = Create(threads: 1);
        TensorAssert.Same(logits, alone.Run(golden.Read("input")));
    }

    [Fact]
    public void Images_of_several_sizes_share_a_session_and_few_sizes_are_kept()
    {
        using Checkpoint golden = SegmentationGoldenTests.Open($"{Name}-odd");
        using SegmentationSession session = Create(threads: 1);
        FloatTensor first = session.Run(golden.Read("input.a"));
        Assert.Equal(Labels(golden, "labels_map.a"), Classes(first));
        Assert.Equal(Labels(golden, "labels_map.b"), Classes(session.Run(golden.Read("input.b"))));
        session.Run(new FloatTensor([1, 3, 9, 7]));
        Assert.Equal(PlansBySize.Kept, session.Plans.Count);
        TensorAssert.Same(first, session.Run(golden.Read("input.a"))); // planned again
    }

    [Theory]
    [InlineData("slide")]
    [InlineData("slide.small")]
    public void A_window_slides_as_officially(string image)
    {
        using Checkpoint golden = SegmentationGoldenTests.Open($"{Name}-slide");
        using SegmentationSession session = Create(threads: 2);
        FloatTensor input = golden.Read($"{image}.input");
        LogitsMap map = session.Slide(input, new SlidingWindow(64, 42), CancellationToken.None);
        FloatTensor logits = golden.Read($"{image}.logits");
        TensorAssert.Close(SegmentationGoldenTests.ToTokens(logits), map.Values, Tolerance, image);
        (int, int) size = (map.Height, map.Width);
        var threads = new ParallelOptions { MaxDegreeOfParallelism = 2 };
        SegmentationMap classes = MapResizer.Classify(map, size, size, threads);
        Assert.Equal(Labels(golden, $"{image}.labels_map"), classes.Classes.ToArray().Select(label => (int)label));
    }

    [Fact]
    public void A_photograph_is_resized_and_its_map_has_its_size()
    {
        using SegmentationSession session = Create(threads: 2);
        PixelImage image = Photograph(width: 100, height: 70);
        SegmentationMap map = session.Segment(image);
        Assert.Equal((100, 70), (map.Width, map.Height));
        FloatTensor input = WholeImage.Prepare(image, session.Preprocessing);
        Assert.Equal([1, 3, 64, 91], input.Shape);
        // The same by whole maps: logits at the model's size, then at the image's.
        FloatTensor logits = SegmentationGoldenTests.ToTokens(session.Run(input));
        using var resizer = new MapResizer(
            new LogitsMap(FloatTensor.From(logits.Shape.DropFirst(), logits.Span), 64, 91), 70, 100);
        FloatTensor all = resizer.Whole(new ParallelOptions()).Values;
        int[] expected = [.. Enumerable.Range(0, 7000).Select(i => Largest(all.Span.Slice(i * 19, 19)))];
        Assert.Equal(expected, map.Classes.ToArray().Select(label => (int)label));
        SegmentationMap slid = session.Segment(image, new SlidingWindow(64, 48));
        Assert.Equal(7000, slid.Classes.Length);
    }

    [Fact]
    public void Classes_and_colours_come_from_the_checkpoint()
    {
        using SegmentationSession session = Create(threads: 1);
        Assert.Equal(19, session.ClassNames!.Count);
        Assert.Equal("traffic light", session.ClassNames[6]);
        Assert.Equal([128, 64, 128], session.Palette[..3].ToArray());
        Assert.False(session.ReducesZeroLabel);
        Assert.Equal(
            [128, 0, 0, 0, 128, 0, 128, 128, 0], SegmentationPalette.Of([], 3)); // those of Pascal VOC
    }

    [Fact]
    public void Other_sessions_refuse_what_they_cannot_run()
    {
        VisionModel model = SegmentationGoldenTests.Load();
        var e = Assert.Throws<BitisException>(() => InferenceSession.Create(model));
        Assert.Contains("gives a class to each pixel", e.Message, StringComparison.Ordinal);
        VisionModel classifier = VisionModel.Load(GoldenFiles.Path("vim-micro.pth"));
        e = Assert.Throws<BitisException>(() => SegmentationSession.Create(classifier));
        Assert.Contains("classifies whole images", e.Message, StringComparison.Ordinal);
        using SegmentationSession session = Create(threads: 1);
        Assert.Throws<ArgumentException>(() => session.Run(new FloatTensor([1, 4, 8, 8])));
        Assert.Throws<BitisException>(() => session.Run(new FloatTensor([1, 3, 1, 8193])));
        Assert.Throws<BitisException>(() => session.Segment(Photograph(8, 8), new SlidingWindow(8, 9)));
        Assert.Throws<BitisException>(() => session.Run(FloatTensor.From([1, 3, 1, 1], [1, float.NaN, 1])));
        session.Dispose();
        Assert.Throws<ObjectDisposedException>(() => session.Run(new FloatTensor([1, 3, 8, 8])));
    }

    [Fact]
    public void A_saved_model_keeps_the_official_tensors_and_answers()
    {
        using var folder = new TempFolder();
        VisionModel model = SegmentationGoldenTests.Load();
        string path = folder["model.safetensors"];
        model.Save(path);
        VisionModel loaded = VisionModel.Load(path);
        Assert.Equal(model.Config, loaded.Config);
        Assert.Equal(model.ClassNames, loaded.ClassNames);
        using Checkpoint before = Checkpoint.Open(GoldenFiles.Path($"{Name}.pth")), after = Checkpoint.Open(path);
        Assert.Equal(
            before.Entries.Select(entry => entry.Name)
                .Where(name => !name.EndsWith("num_batches_tracked", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal),
            after.Entries.Select(entry => entry.Name).Order(StringComparer.Ordinal));
        FloatTensor image = new([1, 3, 40, 50]);
        using SegmentationSession first = SegmentationSession.Create(model), second = SegmentationSession.Load(path);
        TensorAssert.Same(first.Run(image), second.Run(image));
    }

    [Theory]
    [InlineData(50, 64, 42, new[] { 0, 50 })]
    [InlineData(64, 64, 42, new[] { 0, 64 })]
    [InlineData(96, 64, 42, new[] { 0, 64, 32, 96 })]
    [InlineData(149, 64, 42, new[] { 0, 64, 42, 106, 84, 148, 85, 149 })]
    public void Windows_cover_a_side_and_the_last_one_ends_with_it(int side, int size, int stride, int[] expected) =>
        Assert.Equal(
            expected,
            new SlidingWindow(size, stride).Cover(side).SelectMany(part => (int[])[part.Start, part.End]));

    [Theory]
    [InlineData(480, 640, 512, 683)]
    [InlineData(512, 512, 512, 512)]
    [InlineData(200, 1600, 256, 2048)]
    public void Images_keep_their_proportions(int height, int width, int newHeight, int newWidth) =>
        Assert.Equal((newHeight, newWidth), WholeImage.SizeOf(height, width, 512));

    private static SegmentationSession Create(int threads) => SegmentationSession.Create(
        VisionModel.Load(GoldenFiles.Path($"{Name}.pth"), new ModelOptions { ImageSize = 64 }),
        new SessionOptions { Threads = threads });

    private static PixelImage Photograph(int width, int height)
    {
        byte[] pixels = new byte[width * height * 3];
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)((i * 37) ^ (i / (3 * width) * 11));
        return PixelImage.Rgb(width, height, pixels);
    }

    private static IEnumerable<int> Labels(Checkpoint golden, string name) =>
        golden.Read(name).Span.ToArray().Select(label => (int)label);

    /// <summary>The class with the largest logit, <c>[batch, classes, height, width]</c>.</summary>
    private static IEnumerable<int> Classes(FloatTensor logits)
    {
        int classes = logits.Shape[1];
        FloatTensor tokens = SegmentationGoldenTests.ToTokens(logits);
        return [.. Enumerable.Range(0, tokens.Length / classes).Select(
            i => Largest(tokens.Span.Slice(i * classes, classes)))];
    }

    private static int Largest(ReadOnlySpan<float> logits)
    {
        int largest = 0;
        for (int i = 1; i < logits.Length; i++)
            largest = logits[i] > logits[largest] ? i : largest;
        return largest;
    }
}
