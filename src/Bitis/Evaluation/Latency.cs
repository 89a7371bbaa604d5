using System.Diagnostics;
using Bitis.Graphs;
using Bitis.Models;
using Bitis.Tensors;

namespace Bitis.Evaluation;

/// <summary>The time that a model takes for one image: the median and percentiles of many runs.</summary>
/// <param name="Median">Half of the runs took less.</param>
/// <param name="P10">A tenth of the runs took less.</param>
/// <param name="P90">A tenth of the runs took more.</param>
/// <param name="P99">A hundredth of the runs took more.</param>
internal sealed record Latency(TimeSpan Median, TimeSpan P10, TimeSpan P90, TimeSpan P99)
{
    /// <summary>An image of noise in a model's size, to measure with.</summary>
    public static FloatTensor RandomImage(ModelConfig config)
    {
        FloatTensor image = FloatTensor.Uninitialized(config.InputShape.Prepend(1));
        var random = new SeededRandom(0);
        foreach (ref float value in image.Span)
            value = (float)random.NextNormal();
        return image;
    }

    /// <summary>Measures models against each other.</summary>
    /// <remarks>The models take turns, so that other work on the machine affects all of them equally.</remarks>
    /// <param name="models">The models.</param>
    /// <param name="images">The input of each run, <c>[batch, channels, height, width]</c>.</param>
    /// <param name="warmup">Runs of each model that do not count.</param>
    /// <param name="runs">Runs of each model that count.</param>
    /// <param name="progress">Receives the number of runs done.</param>
    /// <param name="cancellationToken">Ends the measurement.</param>
    /// <returns>The latency of each model: a run's time divided by its images.</returns>
    /// <exception cref="BitisException">A logit is not a finite number.</exception>
    public static IReadOnlyList<Latency> Measure(
        IReadOnlyList<Func<FloatTensor, CancellationToken, FloatTensor>> models,
        FloatTensor images,
        int warmup,
        int runs,
        IProgress<WorkProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(runs, 1);
        TimeSpan[][] times = [.. models.Select(_ => new TimeSpan[runs])];
        for (int run = -warmup; run < runs; run++)
        {
            for (int m = 0; m < models.Count; m++)
            {
                long start = Stopwatch.GetTimestamp();
                FloatTensor logits = models[m](images, cancellationToken);
                TimeSpan time = Stopwatch.GetElapsedTime(start);
                if (run >= 0)
                    times[m][run] = time / images.Shape[0];
                Logits.RequireFinite(logits, image => $"image {image} of the batch");
            }
            progress?.Report(new WorkProgress("measuring", run + warmup + 1L, (long)runs + warmup));
        }
        return [.. times.Select(Summarize)];
    }

    internal static Latency Summarize(TimeSpan[] times)
    {
        TimeSpan[] sorted = [.. times.Order()];
        return new Latency(
            Quantile(sorted, 0.5), Quantile(sorted, 0.1), Quantile(sorted, 0.9), Quantile(sorted, 0.99));
    }

    /// <summary>The value at a share of the way through sorted values, interpolated between neighbours.</summary>
    private static TimeSpan Quantile(TimeSpan[] sorted, double share)
    {
        double position = share * (sorted.Length - 1);
        int below = (int)position, above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
    }
}
