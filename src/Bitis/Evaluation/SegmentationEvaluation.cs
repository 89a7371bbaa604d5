using System.Diagnostics;
using Bitis.Data.LabelMaps;

namespace Bitis.Evaluation;

/// <summary>Evaluates a model that gives a class to each pixel, image by image.</summary>
/// <param name="session">The model.</param>
internal sealed class SegmentationEvaluation(SegmentationSession session)
{
    /// <summary>The time that the model took, from decoded images to maps of classes.</summary>
    public TimeSpan ModelTime { get; private set; }

    /// <summary>Sees each map of classes. With it, images need no labels.</summary>
    public Action<SegmentationMap>? Observe { get; init; }

    /// <summary>Evaluates all images of a source.</summary>
    /// <param name="images">The images, with labels of their pixels.</param>
    /// <param name="window">How images are cut into pieces; null to see them as a whole.</param>
    /// <param name="progress">Receives the number of images done.</param>
    /// <param name="cancellationToken">Ends the evaluation.</param>
    /// <exception cref="BitisException">
    /// An image or its ground truth is missing or damaged, or they do not fit each other or the model.
    /// </exception>
    public SegmentationScores Run(
        ImageSource images, SlidingWindow? window, IProgress<WorkProgress>? progress,
        CancellationToken cancellationToken)
    {
        var scores = new SegmentationScores(session.Config.Classes);
        var time = new Stopwatch();
        for (int i = 0; i < images.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (PixelImage image, LabelMap? labels) = Observe is null || images.HasPixelLabels
                ? images.ReadWithPixelLabels(i)
                : (images.Read(i), null);
            time.Start();
            SegmentationMap map = session.Segment(image, window, cancellationToken);
            time.Stop();
            Observe?.Invoke(map);
            if (labels is not null)
            {
                labels = session.ReducesZeroLabel ? labels.WithoutZeroLabel() : labels;
                scores.Add(map, labels, images.PixelLabelsName(i));
            }
            progress?.Report(new WorkProgress("evaluating", i + 1, images.Count));
        }
        ModelTime = time.Elapsed;
        return scores;
    }
}
