using Bitis.Evaluation;
using Bitis.Tensors;

namespace Bitis;

/// <summary>
/// The images to train with and those to validate with. They are checked before the first is decoded.
/// </summary>
public sealed class TrainingData
{
    // Parts of the seed: epochs and steps are counted from these values on. The initial weights use values below.
    private const ulong OrderStream = 1UL << 32, AugmentationStream = 2UL << 32, BackwardStream = 3UL << 32,
        CropStream = 4UL << 32;

    /// <summary>Takes the images, after checking their labels and classes.</summary>
    /// <param name="training">
    /// Images of all classes, each with its label. The source must stay open. It is not disposed.
    /// </param>
    /// <param name="validation">Other images of the same classes; null to train without.</param>
    /// <exception cref="BitisException">
    /// A label is missing or is not a class, or a class has no training image. Or a validation image shows a class that
    /// the training images do not have.
    /// </exception>
    public TrainingData(ImageSource training, ImageSource? validation)
    {
        ArgumentNullException.ThrowIfNull(training);
        Training = training;
        Validation = validation;
        if (training.HasPixelLabels)
        {
            Classes = training.ClassCount ?? 0;
            RequirePixelLabels(validation);
            return;
        }
        Classes = training.ClassCount
            ?? 1 + Enumerable.Range(0, training.Count).Max(index => RequireLabel(training, index));
        CheckLabels(training);
        CheckEveryClassHasAnImage();
        if (validation is null)
            return;
        for (int i = 0; i < validation.Count; i++)
            RequireLabel(validation, i);
        ValidationClasses = MatchClassesOf(validation);
    }

    /// <summary>The images to train with.</summary>
    public ImageSource Training { get; }

    /// <summary>The images to validate with; null if there are none.</summary>
    public ImageSource? Validation { get; }

    /// <summary>Which classes the validation images show; null if there are none.</summary>
    internal ClassMap? ValidationClasses { get; }

    /// <summary>How many classes there are; 0 if labels of pixels do not tell it.</summary>
    public int Classes { get; }

    /// <summary>Whether each pixel has a label.</summary>
    internal bool HasPixelLabels => Training.HasPixelLabels;

    /// <summary>The classes' names, by index; null if unknown.</summary>
    public IReadOnlyList<string>? ClassNames => Training.ClassNames;

    /// <summary>The order in which an epoch sees the images.</summary>
    /// <param name="seed">The training's seed.</param>
    /// <param name="epoch">The epoch, counted from 0.</param>
    internal int[] Order(int seed, int epoch)
    {
        int[] order = [.. Enumerable.Range(0, Training.Count)];
        SeededRandom.ForPart((ulong)seed, OrderStream + (ulong)epoch).Shuffle<int>(order);
        return order;
    }

    /// <summary>The seed of a step's augmentation.</summary>
    /// <param name="seed">The training's seed.</param>
    /// <param name="step">The step, counted from 0 at the start of the training.</param>
    internal static ulong AugmentationSeed(int seed, long step) =>
        SeededRandom.ForPart((ulong)seed, AugmentationStream + (ulong)step).NextBits();

    /// <summary>The seed of the places at which an epoch cuts squares from images.</summary>
    internal static ulong CropSeed(int seed, int epoch) =>
        SeededRandom.ForPart((ulong)seed, CropStream + (ulong)epoch).NextBits();

    /// <summary>The seed of a step's backward pass.</summary>
    internal static ulong BackwardSeed(int seed, long step) =>
        SeededRandom.ForPart((ulong)seed, BackwardStream + (ulong)step).NextBits();

    /// <summary>Checks that a model can have the classes of the pixels' labels.</summary>
    /// <exception cref="BitisException">It has another number of classes.</exception>
    internal void RequireClassesOfPixels(int classes)
    {
        if (Classes != 0 && Classes != classes)
        {
            throw new BitisException(
                $"The model has {DisplayText.Count(classes, "class")}, and the labels of pixels have {Classes}: "
                + $"{Training.Description}.");
        }
    }

    private void RequirePixelLabels(ImageSource? validation)
    {
        if (validation is { HasPixelLabels: false })
        {
            throw new BitisException(
                $"{validation.Description}: the training images have labels of pixels, and these images have none. "
                + "Give a folder of them (--validation-labels), or validate with builtin-masks/test.");
        }
        if (validation?.ClassNames is { } names && ClassNames is { } known && !names.SequenceEqual(known))
        {
            throw new BitisException(
                "The validation images do not have the classes of the training images: "
                + $"they have {ClassMap.Quote(names)}, not {ClassMap.Quote(known)}.");
        }
    }

    private static int RequireLabel(ImageSource source, int index) => source.Label(index) ?? throw new BitisException(
        $"{source.Name(index)} has no label; training and validation need one for every image (class folders or a "
        + "labels.csv).");

    private void CheckLabels(ImageSource source)
    {
        for (int i = 0; i < source.Count; i++)
        {
            int label = RequireLabel(source, i);
            if ((uint)label >= (uint)Classes)
            {
                throw new BitisException(
                    $"{source.Name(i)} has the label {label}, but there are "
                        + $"{DisplayText.Count(Classes, "class")} (0 to {Classes - 1}). "
                    + "Do the training and the validation images belong to the same data set?");
            }
        }
    }

    private void CheckEveryClassHasAnImage()
    {
        HashSet<int> shown = [.. Enumerable.Range(0, Training.Count).Select(index => Training.Label(index)!.Value)];
        if (shown.Count == Classes)
            return;
        int empty = Enumerable.Range(0, Classes).First(label => !shown.Contains(label));
        string name = ClassNames is null ? "" : $" ('{ClassNames[empty]}')";
        throw new BitisException(
            $"No training image shows class {empty}{name} of the {DisplayText.Count(Classes, "class")}: "
                + $"{Training.Description}. "
            + "Add images of it, take more images, or remove the class.");
    }

    /// <summary>Matches the classes of the validation images as an evaluation does.</summary>
    private ClassMap MatchClassesOf(ImageSource validation)
    {
        try
        {
            return ClassMap.Create(validation, Classes, ClassNames);
        }
        catch (BitisException e)
        {
            throw new BitisException(
                $"The validation images do not have the classes of the training images. {e.Message}", e);
        }
    }
}
