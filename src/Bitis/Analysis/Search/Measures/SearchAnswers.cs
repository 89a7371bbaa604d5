using Bitis.Models.Poses;
using Bitis.Models.Segmentation;

namespace Bitis.Analysis.Search.Measures;

/// <summary>Compares answers of quantized models with those of the float model, on one set of images.</summary>
internal abstract class SearchAnswers
{
    /// <summary>How many images there are.</summary>
    public abstract int Images { get; }

    /// <summary>The float model's accuracy or mean IoU, 0 to 1.</summary>
    public abstract double FloatScore { get; }

    /// <summary>Answers all images with the float model.</summary>
    /// <param name="model">The float model.</param>
    /// <param name="images">The images with their labels. They must stay open.</param>
    /// <param name="batchSize">Images at once.</param>
    /// <param name="threads">How many threads compute; 0 for one on each processor.</param>
    /// <param name="progress">Receives the number of images done.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="BitisException">The images do not fit the model, or have no labels.</exception>
    public static SearchAnswers Create(
        VisionModel model, ImageSource images, int batchSize, int threads, IProgress<WorkProgress>? progress,
        CancellationToken cancellationToken) => model.Config is IDenseConfig
            ? new SegmentedAnswers(model, images, batchSize, threads, progress, cancellationToken)
            : new ClassifiedAnswers(model, images, batchSize, threads, progress, cancellationToken);

    /// <summary>Refuses models that have no accuracy.</summary>
    /// <exception cref="BitisException">It is such a model.</exception>
    public static void RequireSupported(VisionModel model)
    {
        if (model.Config is PoseConfig)
            throw new BitisException("The search is for models that classify or segment images, not for poses.");
    }

    /// <summary>Refuses images of which one has no label.</summary>
    /// <exception cref="BitisException">They are such.</exception>
    public static void RequireLabels(VisionModel model, ImageSource images)
    {
        bool hasLabels = model.Config is IDenseConfig
            ? images.HasPixelLabels
            : Enumerable.Range(0, images.Count).All(index => images.Label(index) is not null);
        if (!hasLabels)
        {
            throw new BitisException(
                $"{images.Description}: a search measures accuracy, so all images that choose and report need labels.");
        }
    }

    /// <summary>Answers the images with a quantized model.</summary>
    public abstract AnswerQuality Measure(QuantizedModel model, CancellationToken cancellationToken);
}
