using Bitis.Data;
using Bitis.Data.BuiltIn;
using Bitis.Data.Decoding;
using Bitis.Models;
using Bitis.Quantization;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;

namespace Bitis.Tests.Quantization;

/// <summary>Images to calibrate with, which are read several times and must not change.</summary>
public sealed class CalibrationSetTests
{
    private static readonly VisionModel Model = MicroModel.Load();

    /// <summary>All of them read the images at least twice: ranges, histograms, scans, blocks.</summary>
    public static TheoryData<string, Scope> ReadsTwice => new()
    {
        { "mse", Scope.Linear },
        { "minmax", Scope.Ssm },
        { "ptq4vm+", Scope.Full },
    };

    [Fact]
    public void Image_files_and_tensors_of_the_same_images_give_the_same_model()
    {
        using ImageSource source = Source(7);
        var files = CalibrationSet.FromImages(source, Model.Preprocessing, batchSize: 2);
        var tensors = CalibrationSet.FromTensors(
            ImageLoader.Load(source, Model.Preprocessing, batchSize: 3).Select(batch => batch.Images));
        Assert.Equal((7, 7), (files.Count, tensors.Count));
        var recipe = new Recipe { Method = "mse" };
        QuantizedModel one = PostTrainingQuantizer.Quantize(Model, files, recipe);
        QuantizedModel other = PostTrainingQuantizer.Quantize(Model, tensors, recipe);
        Assert.Equal(Bytes(one), Bytes(other));
        Assert.Equal(7, one.Calibration.Images);
        Assert.Equal(Bytes(one), Bytes(PostTrainingQuantizer.Quantize(Model, files, recipe))); // read once more
    }

    [Fact]
    public void As_many_images_as_asked_for_are_drawn_by_the_seed()
    {
        using ImageSource source = Source(20);
        string first = DigestOf(seed: 1);
        Assert.Equal(first, DigestOf(seed: 1));
        Assert.NotEqual(first, DigestOf(seed: 2));
        Assert.Equal(20, CalibrationSet.FromImages(source, Model.Preprocessing, count: 21).Count);
        Assert.Throws<ArgumentOutOfRangeException>(
            () => CalibrationSet.FromImages(source, Model.Preprocessing, count: 0));

        string DigestOf(int seed)
        {
            var set = CalibrationSet.FromImages(source, Model.Preprocessing, count: 3, seed);
            Assert.Equal(3, set.Read(CancellationToken.None).Sum(batch => batch.Shape[0]));
            Assert.Equal(3, set.Digest.Images);
            return set.Digest.Sha256;
        }
    }

    [Theory]
    [MemberData(nameof(ReadsTwice))]
    public void Other_images_the_second_time_are_noticed(string method, Scope scope)
    {
        using var source = new ChangingSource(Source(4), reads: 4);
        var set = CalibrationSet.FromImages(source, Model.Preprocessing, batchSize: 2);
        var recipe = new Recipe { Method = method, Scope = scope };
        BitisException e = Assert.Throws<BitisException>(() => PostTrainingQuantizer.Quantize(Model, set, recipe));
        Assert.Contains("changed while they were used", e.Message);
    }

    [Fact]
    public void Tensors_that_are_written_to_meanwhile_are_noticed()
    {
        FloatTensor images = MicroModel.Images(Model, 4, seed: 1);
        var writer = new Progress(() => images.Span[0]++);
        BitisException e = Assert.Throws<BitisException>(() => PostTrainingQuantizer.Quantize(
            Model,
            CalibrationSet.FromTensors(images),
            new Recipe { Method = "mse" },
            new QuantizationOptions { Progress = writer }));
        Assert.Contains("changed while they were used", e.Message);
    }

    [Theory]
    [InlineData("minmax", Scope.Linear)]
    [InlineData("minmax", Scope.Ssm)]
    [InlineData("ptq4vm+", Scope.Linear)]
    public void An_image_without_a_finite_answer_is_named(string method, Scope scope)
    {
        string bias = Model.Graph.Output.ParameterNames[1], weight = Model.Graph.Output.ParameterNames[0];
        var weights = new Dictionary<string, FloatTensor>(Model.Weights);
        foreach (string name in (string[])[bias, weight])
        {
            weights[name] = weights[name].Clone();
            weights[name].Span.Fill(3e38f);
        }
        using ImageSource source = Source(4);
        var set = CalibrationSet.FromImages(source.Subset([2, 3]), Model.Preprocessing);
        BitisException e = Assert.Throws<BitisException>(() => PostTrainingQuantizer.Quantize(
            Model.WithWeights(weights), set, new Recipe { Method = method, Scope = scope }));
        Assert.StartsWith(source.Name(2), e.Message);
    }

    [Fact]
    public void What_is_no_batch_of_images_is_refused()
    {
        Assert.Contains("no image", Assert.Throws<BitisException>(() => CalibrationSet.FromTensors()).Message);
        Assert.Contains("no image", Assert.Throws<BitisException>(
            () => CalibrationSet.FromTensors(new FloatTensor([0, 3, 32, 32]))).Message);
        Assert.Contains("not [3, 32, 32]", Assert.Throws<ArgumentException>(
            () => CalibrationSet.FromTensors(new FloatTensor([3, 32, 32]))).Message);
        Assert.Throws<ArgumentNullException>(() => CalibrationSet.FromTensors([null!]));
        Assert.Throws<ArgumentNullException>(() => PostTrainingQuantizer.Quantize(Model, null!, new Recipe()));
    }

    [Fact]
    public void Reading_can_be_cancelled_between_two_batches()
    {
        using ImageSource source = Source(4);
        CalibrationSet[] sets =
        [
            CalibrationSet.FromImages(source, Model.Preprocessing, batchSize: 1),
            CalibrationSet.FromTensors(MicroModel.Images(Model, 1, seed: 1), MicroModel.Images(Model, 1, seed: 2)),
        ];
        foreach (CalibrationSet set in sets)
        {
            using var cancellation = new CancellationTokenSource();
            using IEnumerator<FloatTensor> batches = set.Read(cancellation.Token).GetEnumerator();
            Assert.True(batches.MoveNext());
            cancellation.Cancel();
            Assert.Throws<OperationCanceledException>(() => batches.MoveNext());
        }
    }

    private static SyntheticImageSource Source(int count) => new(count, 40, classes: 4, seed: 3);

    private static byte[] Bytes(QuantizedModel model)
    {
        using var stream = new MemoryStream();
        model.Save(stream);
        return stream.ToArray();
    }

    /// <summary>A folder in which somebody replaces the images after some reads.</summary>
    private sealed class ChangingSource(ImageSource inner, int reads) : ImageSource
    {
        private int _reads;

        public override int Count => inner.Count;

        public override string Description => inner.Description;

        public override string Name(int index) => inner.Name(index);

        public override int? Label(int index) => inner.Label(index);

        protected override PixelImage ReadImage(int index) =>
            inner.Read(Interlocked.Increment(ref _reads) <= reads ? index : Count - 1 - index);
    }

    private sealed class Progress(Action report) : IProgress<WorkProgress>
    {
        public void Report(WorkProgress value) => report();
    }

    [Fact]
    public void A_source_without_images_is_refused()
    {
        using var source = new SyntheticImageSource(3, 8, classes: 1, seed: 1);
        string message = Assert.Throws<BitisException>(
            () => CalibrationSet.FromImages(source.Subset([]), Preprocessing.ForSize(8))).Message;
        Assert.StartsWith("There is no image to calibrate with", message, StringComparison.Ordinal);
        Assert.Equal(message, Assert.Throws<BitisException>(() => CalibrationSet.FromTensors()).Message);
    }
}
