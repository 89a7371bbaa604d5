namespace Bitis.Analysis.Comparison;

/// <summary>How good a model's answers are. Shares are 0 to 1; what does not apply is null.</summary>
/// <param name="Images">How many images were answered.</param>
/// <param name="Labeled">How many of them have a label.</param>
/// <param name="SameTop1">The share of images (or pixels) with the class that the float model gives.</param>
internal sealed record ModelMeasures(long Images, long Labeled, double? SameTop1)
{
    /// <summary>The share of labeled images classified correctly.</summary>
    public double? Top1 { get; init; }

    /// <summary>The share of labeled images with their class among the first five.</summary>
    public double? Top5 { get; init; }

    /// <summary>The mean intersection over union.</summary>
    public double? MeanIou { get; init; }

    /// <summary>The share of pixels with their class.</summary>
    public double? PixelAccuracy { get; init; }

    /// <summary>The mean absolute error of coordinates, in pixels.</summary>
    public double? PositionError { get; init; }

    /// <summary>The mean absolute error of radii, in pixels.</summary>
    public double? SizeError { get; init; }

    /// <summary>The mean absolute error of angles, in degrees.</summary>
    public double? AngleError { get; init; }
}
