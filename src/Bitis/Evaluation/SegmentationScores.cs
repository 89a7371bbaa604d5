using Bitis.Data.LabelMaps;

namespace Bitis.Evaluation;

/// <summary>Counts of pixels over some images, from which the accuracy of a segmentation follows.</summary>
/// <param name="classes">The number of classes.</param>
internal sealed class SegmentationScores(int classes)
{
    private readonly long[] _labeled = new long[classes], _predicted = new long[classes], _correct = new long[classes];

    /// <summary>How many images were added.</summary>
    public long Images { get; private set; }

    /// <summary>How many pixels count: those with a label.</summary>
    public long Pixels => _labeled.Sum();

    /// <summary>The share of pixels with their class; null without pixels.</summary>
    public double? PixelAccuracy => Pixels == 0 ? null : (double)_correct.Sum() / Pixels;

    /// <summary>The mean intersection over union of the classes that occur; null if none does.</summary>
    public double? MeanIou => Mean(ClassIou);

    /// <summary>The mean share of a class's pixels that have their class, of the classes that labels have.</summary>
    public double? MeanAccuracy => Mean(ClassAccuracy);

    /// <summary>How many pixels have a class as their label.</summary>
    public long PixelsOf(int label) => _labeled[label];

    /// <summary>The intersection over union of a class; null if neither labels nor predictions have it.</summary>
    public double? ClassIou(int label) => Share(_correct[label], _labeled[label] + _predicted[label] - _correct[label]);

    /// <summary>The share of a class's pixels that have their class; null if no label has it.</summary>
    public double? ClassAccuracy(int label) => Share(_correct[label], _labeled[label]);

    /// <summary>Adds an image.</summary>
    /// <param name="map">The classes that a model gave.</param>
    /// <param name="truth">The labels. Pixels with <see cref="LabelMap.Ignored"/> do not count.</param>
    /// <param name="name">The name of the ground truth, for messages.</param>
    /// <exception cref="BitisException">The sizes differ, or a label is not a class.</exception>
    public void Add(SegmentationMap map, LabelMap truth, string name)
    {
        truth.RequireFit(map.Height, map.Width, classes, name);
        for (int i = 0; i < truth.Labels.Length; i++)
        {
            int label = truth.Labels[i], predicted = map.Classes[i];
            // Of more than 255 classes, 255 could be one; in ground truth it never is.
            if (label == LabelMap.Ignored)
                continue;
            _labeled[label]++;
            _predicted[predicted]++;
            if (label == predicted)
                _correct[label]++;
        }
        Images++;
    }

    private double? Mean(Func<int, double?> value)
    {
        double[] values = [.. Enumerable.Range(0, classes).Select(value).OfType<double>()];
        return values.Length == 0 ? null : values.Average();
    }

    private static double? Share(long part, long all) => all == 0 ? null : (double)part / all;
}
