using Bitis.Analysis.Comparison;
using Bitis.Evaluation;

namespace Bitis.Analysis.Results;

/// <summary>One model of a comparison.</summary>
/// <remarks>Shares are 0 to 1. What a model or its images do not have is null.</remarks>
/// <param name="Name">Method, bits and scope, or <c>float32</c>.</param>
/// <param name="Recipe">The recipe; null for the float model.</param>
/// <param name="Images">How many images were answered.</param>
/// <param name="Labeled">How many of them have a label; accuracies count these.</param>
/// <param name="Top1">The share of labeled images classified correctly.</param>
/// <param name="Top5">The share of labeled images with their class among the first five.</param>
/// <param name="MeanIou">Of models that segment: the mean intersection over union.</param>
/// <param name="PixelAccuracy">Of models that segment: the share of pixels with their class.</param>
/// <param name="PositionError">Of models that give poses: the mean absolute error in pixels.</param>
/// <param name="SizeError">Of models that give poses: the mean absolute error of radii in pixels.</param>
/// <param name="AngleError">Of models that give poses: the mean absolute error in degrees.</param>
/// <param name="SameTop1">The share of images (or pixels) with the class that the float model gives.</param>
/// <param name="FileBytes">The size of the model's file in bytes; of the float model, that of its weights.</param>
/// <param name="LatencyMs">The median milliseconds for one image.</param>
/// <param name="P90Ms">The milliseconds that a tenth of the runs exceeded.</param>
/// <param name="FloatLatencyMs">The median of the float model, measured in turn with this one.</param>
/// <param name="Seconds">The time of the quantization, in seconds.</param>
public sealed record ComparedModel(
    string Name,
    Recipe? Recipe,
    long Images,
    long Labeled,
    double? Top1,
    double? Top5,
    double? MeanIou,
    double? PixelAccuracy,
    double? PositionError,
    double? SizeError,
    double? AngleError,
    double? SameTop1,
    long FileBytes,
    double LatencyMs,
    double P90Ms,
    double FloatLatencyMs,
    double Seconds)
{
    /// <summary>Bits of weights and activations; null for the float model.</summary>
    public BitWidths? Bits => Recipe?.Bits;

    /// <summary>The sites that are quantized; null for the float model.</summary>
    public Scope? Scope => Recipe?.Scope;

    /// <summary>The method; null for the float model.</summary>
    public string? Method => Recipe?.Method;

    /// <summary>Joins what was measured of a model.</summary>
    internal static ComparedModel Of(
        Recipe? recipe, ModelMeasures measures, long bytes, Latency latency, Latency original, double seconds) => new(
            recipe?.ShortName ?? "float32", recipe, measures.Images, measures.Labeled, measures.Top1, measures.Top5,
            measures.MeanIou, measures.PixelAccuracy, measures.PositionError, measures.SizeError, measures.AngleError,
            measures.SameTop1, bytes, latency.Median.TotalMilliseconds, latency.P90.TotalMilliseconds,
            original.Median.TotalMilliseconds, seconds);
}
