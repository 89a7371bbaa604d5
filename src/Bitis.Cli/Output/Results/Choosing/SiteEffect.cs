namespace Bitis.Cli.Output.Results.Choosing;

/// <summary>What quantizing some sites does to a model's answers.</summary>
/// <param name="LogitSnrDb">The signal-to-noise ratio of the logits, in decibels; null without noise.</param>
/// <param name="SameTop1">
/// The share of images, or of pixels, with the class that the float model gives, 0 to 1.
/// </param>
/// <param name="Top1">The share of labeled images classified correctly, 0 to 1; null without labels.</param>
/// <param name="MeanIou">
/// The mean intersection over union of a model that segments, 0 to 1; null without labels.
/// </param>
internal sealed record SiteEffect(double? LogitSnrDb, double SameTop1, double? Top1, double? MeanIou);
