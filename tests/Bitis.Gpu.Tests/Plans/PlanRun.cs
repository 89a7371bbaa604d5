using System.Numerics.Tensors;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Plans;
using Bitis.Models;

namespace Bitis.Gpu.Tests.Plans;

/// <summary>Runs models on the CPU and through the interpreter.</summary>
internal static class PlanRun
{
    /// <summary>Random pixels.</summary>
    public static FloatTensor RandomImages(VisionModel model, int count)
    {
        var random = new Random(3);
        var images = new FloatTensor(model.Config.InputShape.Prepend(count));
        for (int i = 0; i < images.Length; i++)
            images.Span[i] = (random.NextSingle() * 4) - 2;
        return images;
    }

    /// <summary>The largest difference of logits, as a part of the largest logit; top-1 answers agree.</summary>
    /// <param name="session">The CPU's session.</param>
    /// <param name="plan">The plan, for fewer images at a time than there are.</param>
    /// <param name="images">The images.</param>
    /// <param name="classes">The logits of an image.</param>
    /// <param name="tie">Classes this close to the largest logit, as a part of it, may be the answer, too.</param>
    public static double Compare(
        InferenceSession session, GpuPlan plan, FloatTensor images, int classes, double tie = 0.01)
    {
        FloatTensor expected = session.Run(images);
        var logits = new float[expected.Length];
        plan.Run(images.Span, logits);
        float largest = expected.Span.ToArray().Max(Math.Abs);
        for (int i = 0; i < logits.Length; i += classes)
        {
            ReadOnlySpan<float> here = expected.Span.Slice(i, classes), there = logits.AsSpan(i, classes);
            // Random weights leave classes at the same place now and then; nobody could tell them apart.
            double margin = here[TensorPrimitives.IndexOfMax(here)] - here[TensorPrimitives.IndexOfMax(there)];
            Assert.InRange(margin, 0, tie * largest);
        }
        return logits.Select((value, i) => (double)Math.Abs(value - expected.Span[i])).Max() / largest;
    }
}
