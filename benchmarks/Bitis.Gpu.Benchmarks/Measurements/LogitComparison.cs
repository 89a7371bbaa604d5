using System.Numerics.Tensors;
using Bitis.Gpu.Plans;
using Bitis.Tensors;

namespace Bitis.Gpu.Benchmarks.Measurements;

/// <summary>How far the answers of a plan are from those of the CPU's session.</summary>
/// <param name="Differences">The largest difference of two logits, of each image.</param>
/// <param name="Others">The images with another first class, and how far the CPU's own class leads there.</param>
/// <param name="LargestLogit">The largest magnitude of the CPU's logits.</param>
internal sealed record LogitComparison(
    IReadOnlyList<float> Differences, IReadOnlyList<(int Image, float Lead)> Others, float LargestLogit)
{
    /// <summary>The images.</summary>
    public int Images => Differences.Count;

    /// <summary>The images with the same first class.</summary>
    public int SameAnswers => Images - Others.Count;

    /// <summary>The largest difference of all images.</summary>
    public float Largest => TensorPrimitives.Max<float>(Differences.ToArray());

    /// <summary>The largest difference of the image in the middle.</summary>
    public float Median => Differences.Order().ElementAt(Images / 2);

    /// <summary>The largest difference as a share of the largest logit.</summary>
    public float Share => Largest / LargestLogit;

    /// <summary>Runs a plan and compares it.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="images">Normalized images.</param>
    /// <param name="expected">The CPU's logits, <c>[images, classes]</c>.</param>
    /// <param name="logits">Receives the plan's logits.</param>
    public static LogitComparison Of(GpuPlan plan, FloatTensor images, FloatTensor expected, float[] logits)
    {
        plan.Run(images.Span, logits);
        (int count, int classes) = (expected.Shape[0], expected.Shape[1]);
        var differences = new float[count];
        List<(int, float)> others = [];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<float> there = logits.AsSpan(i * classes, classes),
                here = expected.Span.Slice(i * classes, classes);
            // A logit that is not a number makes the difference so.
            for (int j = 0; j < classes; j++)
                differences[i] = Math.Max(differences[i], Math.Abs(there[j] - here[j]));
            int answer = TensorPrimitives.IndexOfMax(there), own = TensorPrimitives.IndexOfMax(here);
            if (answer != own)
                others.Add((i, here[own] - here[answer]));
        }
        return new LogitComparison(
            differences, others, Math.Abs(TensorPrimitives.MaxMagnitude<float>(expected.Span)));
    }

    /// <summary>Runs a plan and compares it with a session of the CPU.</summary>
    public static LogitComparison Of(GpuPlan plan, FloatTensor images, InferenceSession session)
    {
        FloatTensor expected = session.Run(images);
        return Of(plan, images, expected, new float[expected.Length]);
    }
}
