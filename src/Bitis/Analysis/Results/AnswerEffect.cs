namespace Bitis.Analysis.Results;

/// <summary>What quantized sites do to a model's answers.</summary>
/// <param name="LogitSnrDb">Signal to noise at the logits, in decibels; null without noise.</param>
/// <param name="SameTop1">The share of images, or of pixels, with the float model's class, 0 to 1.</param>
/// <param name="Top1">The share of labeled images classified correctly, 0 to 1; null without labels.</param>
/// <param name="MeanIou">
/// The mean intersection over union of a model that segments, 0 to 1; null without labels.
/// </param>
public sealed record AnswerEffect(double? LogitSnrDb, double SameTop1, double? Top1, double? MeanIou = null);
