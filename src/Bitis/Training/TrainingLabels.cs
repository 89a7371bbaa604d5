using Bitis.Data;

namespace Bitis.Training;

/// <summary>Checks that a set of images can be learned from, before the first of them is decoded.</summary>
internal static class TrainingLabels
{
    /// <summary>Requires a label on each image, in the range of the classes, and an image of each class.</summary>
    /// <exception cref="BitisException">Something is missing; the message names the image or the class.</exception>
    public static void Check(ImageSource images, int classes, IReadOnlyList<string>? names)
    {
        int[] counts = new int[classes];
        for (int i = 0; i < images.Count; i++)
        {
            int label = images.Label(i) ?? throw new BitisException(
                $"{images.Name(i)} has no label; training needs one on each image. Put the images into a folder for each class, or list them in a labels.csv.");
            if ((uint)label >= (uint)classes)
            {
                throw new BitisException(
                    $"{images.Name(i)} has the label {label}, but the model has {classes} classes (0 to {classes - 1}). "
                    + "Correct the label, or choose a model with more classes.");
            }
            counts[label]++;
        }
        int empty = Array.IndexOf(counts, 0);
        if (empty >= 0)
        {
            string name = (names ?? images.ClassNames) is { } known && empty < known.Count ? $" ('{known[empty]}')" : "";
            throw new BitisException(
                $"{images.Description}: class {empty}{name} has no image, so it cannot be learned. Add images, or take more of the set.");
        }
    }
}
