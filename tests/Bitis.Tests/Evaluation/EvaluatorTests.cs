using Bitis.Data.BuiltIn;
using Bitis.Evaluation;
using Bitis.Tensors;

namespace Bitis.Tests.Evaluation;

public sealed class EvaluatorTests
{
    private const int Classes = 10, Count = 23;
    private static readonly Preprocessing Small = Preprocessing.ForSize(16);

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(64)]
    public void Every_image_is_counted_once_whatever_the_batch(int batchSize)
    {
        using var source = new SyntheticImageSource(Count, 16, Classes, seed: 1);
        int next = 0;
        Func<FloatTensor, CancellationToken, FloatTensor> perfect = (images, _) =>
            Answer(images, i => (next + i) % Classes, ref next);
        var evaluator = new Evaluator(perfect, Classes, null) { BatchSize = batchSize };
        EvaluationResult result = evaluator.Run(source, Small);
        Assert.Equal(Count, result.Images);
        Assert.Equal(1.0, result.Top1);
    }

    [Fact]
    public void References_see_the_same_images()
    {
        using var source = new SyntheticImageSource(Count, 16, Classes, seed: 1);
        Func<FloatTensor, CancellationToken, FloatTensor> zero = (images, _) => Zero(images);
        var evaluator = new Evaluator(MeanColors, Classes, null, MeanColors, zero) { BatchSize = 5 };
        EvaluationResult counts = evaluator.Run(source, Small);
        Assert.Equal((1.0, 0.0), (counts.Agreements[0].Top1, counts.Agreements[0].MaxLogitError));
        Assert.True(counts.Agreements[1].MaxLogitError > 0);
    }

    [Fact]
    public void Other_classes_are_refused_before_an_image_is_read()
    {
        using var source = new SyntheticImageSource(Count, 16, Classes, seed: 1);
        var evaluator = new Evaluator((_, _) => throw new InvalidOperationException(), classes: 4, null);
        BitisException e = Assert.Throws<BitisException>(() => evaluator.Run(source, Small));
        Assert.Contains("the images have 10 classes, the model has 4", e.Message);
    }

    [Theory]
    [InlineData(float.NaN, false)]
    [InlineData(float.PositiveInfinity, false)]
    [InlineData(float.NaN, true)]
    public void An_answer_that_is_not_finite_is_an_error_that_names_the_image(float value, bool isOfReference)
    {
        using var source = new SyntheticImageSource(Count, 16, Classes, seed: 1);
        int done = 0;
        Func<FloatTensor, CancellationToken, FloatTensor> broken = (images, _) =>
        {
            FloatTensor logits = Zero(images);
            if (done <= 12 && 12 < done + images.Shape[0])
                logits.Span[((12 - done) * Classes) + 3] = value;
            done += images.Shape[0];
            return logits;
        };
        Evaluator evaluator = isOfReference
            ? new(MeanColors, Classes, null, broken)
            : new(broken, Classes, null);
        BitisException e = Assert.Throws<BitisException>(() => evaluator.Run(source, Small));
        Assert.StartsWith(source.Name(12), e.Message, StringComparison.Ordinal);
        Assert.Contains("class 3", e.Message);
        Assert.Equal(isOfReference, e.Message.Contains("compared with", StringComparison.Ordinal));
    }

    [Fact]
    public void Cancelling_ends_the_evaluation()
    {
        using var source = new SyntheticImageSource(Count, 16, Classes, seed: 1);
        using var cancellation = new CancellationTokenSource();
        var evaluator = new Evaluator(MeanColors, Classes, null) { BatchSize = 2 };
        var progress = new Progress(value => { if (value.Done >= 6) cancellation.Cancel(); });
        Assert.ThrowsAny<OperationCanceledException>(() => evaluator.Run(source, Small, progress, cancellation.Token));
        Assert.Equal(6, progress.Last.Done);
        Assert.Equal(Count, progress.Last.Total);
    }

    [Fact]
    public void Latency_quantiles_are_those_of_the_sorted_times()
    {
        Latency latency = Latency.Summarize(
            [.. Enumerable.Range(0, 11).Reverse().Select(i => TimeSpan.FromMilliseconds(i))]);
        Assert.Equal(
            (5.0, 1.0, 9.0, 9.9),
            (latency.Median.TotalMilliseconds, latency.P10.TotalMilliseconds, latency.P90.TotalMilliseconds,
                latency.P99.TotalMilliseconds));
    }

    [Fact]
    public void Latency_counts_only_runs_after_the_warmup()
    {
        int first = 0, second = 0;
        FloatTensor images = new([2, 3, 4, 4]);
        IReadOnlyList<Latency> latencies = Latency.Measure(
            [
                (x, _) => { first++; return x; },
                (x, _) => { second++; Thread.Sleep(4); return x; },
            ], images, warmup: 2, runs: 5);
        Assert.Equal((7, 7), (first, second));
        Assert.True(latencies[1].Median >= TimeSpan.FromMilliseconds(1.5), "4 ms for two images are 2 ms for each");
    }

    private static FloatTensor MeanColors(FloatTensor images, CancellationToken cancellationToken)
    {
        int batch = images.Shape[0], size = images.Length / batch;
        FloatTensor logits = Zero(images);
        for (int i = 0; i < batch; i++)
        {
            for (int c = 0; c < Classes; c++)
                logits.Span[i * Classes + c] = images.Span[i * size + c * 7];
        }
        return logits;
    }

    private static FloatTensor Zero(FloatTensor images) => new([images.Shape[0], Classes]);

    private static FloatTensor Answer(FloatTensor images, Func<int, int> label, ref int next)
    {
        FloatTensor logits = Zero(images);
        for (int i = 0; i < images.Shape[0]; i++)
            logits.Span[i * Classes + label(i)] = 1;
        next += images.Shape[0];
        return logits;
    }

    private sealed class Progress(Action<WorkProgress> onReport) : IProgress<WorkProgress>
    {
        public WorkProgress Last { get; private set; }

        public void Report(WorkProgress value)
        {
            Last = value;
            onReport(value);
        }
    }
}
