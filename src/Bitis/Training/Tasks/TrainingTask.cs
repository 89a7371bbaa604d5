using Bitis.Data;
using Bitis.Graphs;
using Bitis.Models;
using Bitis.Models.Poses;
using Bitis.Models.Segmentation;
using Bitis.Training.Losses;

namespace Bitis.Training.Tasks;

/// <summary>What a training teaches: which outputs learn, from which targets, and how accuracy is measured.</summary>
internal abstract class TrainingTask : IDisposable
{
    /// <summary>The model's graph with the outputs that have a loss.</summary>
    public abstract Graph Graph { get; }

    /// <summary>How many things of the last batch the model had right, and how many there were.</summary>
    public abstract (long Correct, long Counted) Score { get; }

    /// <summary>The task that a model learns from images.</summary>
    /// <param name="model">The model.</param>
    /// <param name="recipe">The recipe.</param>
    /// <param name="data">The images.</param>
    /// <param name="threads">How many threads compute.</param>
    /// <exception cref="BitisException">Model, recipe and images do not fit each other.</exception>
    public static TrainingTask For(VisionModel model, TrainingRecipe recipe, TrainingData data, int threads)
    {
        RequireFit(model.Config, recipe, data);
        return model.Config switch
        {
            IDenseConfig dense => new SegmentationTask(model, dense, recipe, data, threads),
            PoseConfig => new PoseTask(model, recipe, threads),
            _ => new ClassificationTask(model, recipe, data, threads),
        };
    }

    /// <summary>Checks that images have what a model learns from.</summary>
    /// <exception cref="BitisException">They do not, or the recipe has values that do not apply.</exception>
    public static void RequireFit(ModelConfig config, TrainingRecipe recipe, TrainingData data)
    {
        bool isDense = config is IDenseConfig;
        if (isDense && !data.HasPixelLabels)
        {
            throw new BitisException(
                $"{data.Training.Description}: this model ({config.Family}) gives a class to each pixel, and the "
                + "images have no labels of pixels. Give a folder of them (--labels), or train with "
                + "builtin-masks/train.");
        }
        bool hasPoses = data.Training.HasPoses && data.Validation is null or { HasPoses: true };
        if (config is PoseConfig && !hasPoses)
        {
            throw new BitisException(
                $"{data.Training.Description}: this model ({config.Family}) gives the pose of a shape, which is known "
                + "for builtin/train and builtin/test only.");
        }
        if (!isDense && data.HasPixelLabels)
        {
            throw new BitisException(
                $"{data.Training.Description}: each pixel has a label, and this model ({config.Family}) gives one "
                + "class to an image. Train a model that segments, such as vmamba-seg-micro.");
        }
        if (isDense || config is PoseConfig)
            recipe.Augmentation.RequireUnmixed();
    }

    /// <summary>The batches of a part of an epoch, read ahead on other threads.</summary>
    /// <param name="images">The images, in the epoch's order.</param>
    /// <param name="epoch">The epoch, counted from 0.</param>
    /// <param name="firstPlace">The place of the first image in the epoch's order.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public abstract IEnumerable<ImageBatch> Load(
        ImageSource images, int epoch, int firstPlace, CancellationToken cancellationToken);

    /// <summary>Varies a batch in place, and gives what the model should answer.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="seed">The seed of the random numbers.</param>
    public abstract OutputLoss Prepare(ImageBatch batch, ulong seed);

    /// <summary>What is wrong with the answers to the last batch; null if all is well.</summary>
    public virtual string? Fault => null;

    /// <summary>Measures a model on the validation images.</summary>
    public abstract ValidationScores Evaluate(
        VisionModel model, ImageSource validation, CancellationToken cancellationToken);

    /// <inheritdoc />
    public virtual void Dispose()
    {
    }
}
