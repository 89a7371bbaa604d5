using System.Numerics.Tensors;

namespace Bitis.Evaluation;

/// <summary>How well the logits of a model agree with those of a reference for the same images.</summary>
/// <remarks>The logit error of an image is relative: <c>‖logits − reference‖₂ / ‖reference‖₂</c>.</remarks>
/// <param name="Images">How many images were compared.</param>
/// <param name="SameTop1">The number of images with the same first class.</param>
/// <param name="LogitErrorSum">The sum of the images' logit errors.</param>
/// <param name="MaxLogitError">The largest logit error of an image.</param>
public sealed record Agreement(long Images, long SameTop1, double LogitErrorSum, double MaxLogitError)
{
    /// <summary>The agreement over no images.</summary>
    public static Agreement None { get; } = new(0, 0, 0, 0);

    /// <summary>The share of images with the same first class, 0 to 1; NaN without images.</summary>
    public double Top1 => (double)SameTop1 / Images;

    /// <summary>The mean logit error; NaN without images.</summary>
    public double MeanLogitError => LogitErrorSum / Images;

    /// <summary>This agreement with one more image.</summary>
    /// <param name="logits">The model's logits, <c>[classes]</c>.</param>
    /// <param name="reference">The reference's logits, <c>[classes]</c>.</param>
    public Agreement With(ReadOnlySpan<float> logits, ReadOnlySpan<float> reference)
    {
        float distance = TensorPrimitives.Distance(logits, reference), norm = TensorPrimitives.Norm(reference);
        double error = distance == 0 ? 0 : distance / norm;
        return new Agreement(
            Images + 1,
            SameTop1 + (TopK.First(logits) == TopK.First(reference) ? 1 : 0),
            LogitErrorSum + error,
            Math.Max(MaxLogitError, error));
    }

    /// <summary>The agreement over the images of both.</summary>
    public Agreement Merge(Agreement other) => new(
        Images + other.Images,
        SameTop1 + other.SameTop1,
        LogitErrorSum + other.LogitErrorSum,
        Math.Max(MaxLogitError, other.MaxLogitError));
}
