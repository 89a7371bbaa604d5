
namespace Bitis.Evaluation;

/// <summary>Maps the classes of some images to those of a model.</summary>
/// <remarks>
/// If both sides have names, the names decide: exact ones first, then those that differ in case only. Otherwise the
/// numbers decide, and both sides must have the same number of classes.
/// </remarks>
internal sealed class ClassMap
{
    private readonly int[]? _targets;
    private readonly IReadOnlyList<string>? _names;

    private ClassMap(int classes, int classesWithImages, int[]? targets, IReadOnlyList<string>? names)
    {
        Classes = classes;
        ClassesWithImages = classesWithImages;
        _targets = targets;
        _names = names;
    }

    /// <summary>How many classes the model has.</summary>
    public int Classes { get; }

    /// <summary>How many of the model's classes have images; 0 if no image has a label.</summary>
    public int ClassesWithImages { get; }

    /// <summary>Whether the classes were matched by their names.</summary>
    public bool IsByName => _targets is not null;

    /// <summary>
    /// A text for reports: <c>3 of the model's 10 classes have images, matched by name</c>; null without labels.
    /// </summary>
    public string? Summary
    {
        get
        {
            if (ClassesWithImages == 0)
                return null;
            string how = IsByName
                ? "matched by name"
                : "matched by number, since model and images do not both have class names";
            string have = ClassesWithImages == 1 ? "has" : "have";
            return ClassesWithImages == Classes
                ? $"all {DisplayText.Count(Classes, "class")} of the model {have} images, {how}"
                : $"{ClassesWithImages} of the model's {DisplayText.Count(Classes, "class")} {have} images, {how}";
        }
    }

    /// <summary>Matches the classes of images to those of a model.</summary>
    /// <param name="images">The images; those without a label do not count.</param>
    /// <param name="classes">How many classes the model has.</param>
    /// <param name="classNames">The names of the model's classes, by index; null if they are unknown.</param>
    /// <exception cref="BitisException">
    /// The images show a class that the model does not have, or a name that fits several classes. Or classes are
    /// matched by number, and the images have more or fewer classes than the model.
    /// </exception>
    public static ClassMap Create(ImageSource images, int classes, IReadOnlyList<string>? classNames)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (classNames is not null && classNames.Count != classes)
            throw new ArgumentException($"{classNames.Count} names for {classes} classes.", nameof(classNames));
        SortedDictionary<int, string> shown = LabelsOf(images);
        if (shown.Count == 0)
            return new ClassMap(classes, classesWithImages: 0, targets: null, classNames);
        if (images.ClassNames is { } names)
            RequireLabels(shown, names.Count, "the images have");
        else
            RequireLabels(shown, classes, "the model has");
        if (images.ClassNames is { } known && classNames is not null)
            return ByName(images, [.. shown.Keys], known, classNames);
        RequireSameCount(images, classes, classNames);
        return new ClassMap(classes, shown.Count, targets: null, classNames ?? images.ClassNames);
    }

    /// <summary>A text for reports on images whose labels are not needed. Never throws.</summary>
    public static string? Describe(ImageSource images, int classes, IReadOnlyList<string>? classNames)
    {
        try
        {
            return Create(images, classes, classNames).Summary;
        }
        catch (BitisException)
        {
            return "not those of the model, which does not matter here";
        }
    }

    /// <summary>The model's class for a label of the images.</summary>
    public int ClassOf(int label) => _targets is null ? label : _targets[label];

    /// <summary>The model's classes for labels of the images; null stays null.</summary>
    public int?[] ClassesOf(IReadOnlyList<int?> labels) =>
        [.. labels.Select(label => label is { } known ? ClassOf(known) : (int?)null)];

    /// <summary>The name of a class of the model: its own, or that of the images, or <c>class 3</c>.</summary>
    public string NameOf(int modelClass) => _names?[modelClass] ?? $"class {modelClass}";

    /// <summary>The index of each name among others if both lists hold the same names; null if they do not.</summary>
    /// <remarks>Each index occurs once. The order of the names may differ.</remarks>
    public static int[]? Permutation(IReadOnlyList<string> names, IReadOnlyList<string> others)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(others);
        int[] order = Match(names, others);
        bool isPermutation = names.Count == others.Count
            && order.All(index => index >= 0)
            && order.Distinct().Count() == order.Length;
        return isPermutation ? order : null;
    }

    /// <summary>The index of each name among others.</summary>
    /// <remarks>−1 where there is no such name, −2 where there are several.</remarks>
    internal static int[] Match(IReadOnlyList<string> names, IReadOnlyList<string> others)
    {
        if (names.SequenceEqual(others))
            return [.. Enumerable.Range(0, names.Count)]; // even if names come twice, as two of ImageNet's do
        ILookup<string, int> exact = LookUp(StringComparer.Ordinal), similar = LookUp(StringComparer.OrdinalIgnoreCase);
        return [.. names.Select(name => Single(exact[name]) is var index and not -1 ? index : Single(similar[name]))];

        ILookup<string, int> LookUp(StringComparer comparer) =>
            others.Index().ToLookup(other => other.Item, other => other.Index, comparer);

        static int Single(IEnumerable<int> indices) => indices.Take(2).ToArray() switch
        {
            [] => -1,
            [int one] => one,
            _ => -2,
        };
    }

    /// <summary>Some names for a message: <c>'cat', 'dog' and 8 more</c>.</summary>
    internal static string Quote(IReadOnlyCollection<string> names)
    {
        const int Most = 6, LengthOfName = 60;
        string shown = string.Join(", ", names.Take(Most).Select(name => $"'{DisplayText.Of(name, LengthOfName)}'"));
        return names.Count > Most ? $"{shown} and {names.Count - Most} more" : shown;
    }

    private static ClassMap ByName(
        ImageSource images, int[] labels, IReadOnlyList<string> names, IReadOnlyList<string> modelNames)
    {
        int[] targets = Match(names, modelNames);
        if (images.HasModelLabels)
        {
            foreach (int label in labels.Where(label => IsSame(label)))
                targets[label] = label; // the number decides between classes of the same name
        }
        string[] unknown = [.. labels.Where(label => targets[label] == -1).Select(label => names[label])];
        if (unknown.Length > 0)
        {
            throw new BitisException(
                $"{images.Description}: the model has no class {Quote(unknown)}; its classes are {Quote(modelNames)}. "
                + "Use images of the model's classes, or give the images' classes the model's names where they have "
                + "theirs: folders, labels.csv, or --classes FILE.");
        }
        if (labels.FirstOrDefault(label => targets[label] == -2, -1) is var several and not -1)
        {
            throw new BitisException(
                $"{images.Description}: the class '{names[several]}' could be several of the model's classes, "
                + "whose names are the same or differ in case only. "
                + "Name the images' classes exactly as the model does, all of them and in its order.");
        }
        foreach (IGrouping<int, int> same in labels.GroupBy(label => targets[label]).Where(group => group.Count() > 1))
        {
            throw new BitisException(
                $"{images.Description}: the classes {Quote([.. same.Select(label => names[label])])} are both "
                + $"the model's '{modelNames[same.Key]}'. Make one class of them, or rename one.");
        }
        if (images.HasModelLabels
            && labels.FirstOrDefault(label => targets[label] != label, -1) is var wrong and not -1)
        {
            string there = wrong < modelNames.Count ? $"'{modelNames[wrong]}'" : "not there";
            throw new BitisException(
                $"{images.Description}: class_index {wrong} is '{names[wrong]}' there, and {there} in the model, "
                + $"where '{modelNames[targets[wrong]]}' is {targets[wrong]}. "
                + "Correct the numbers or the names, or leave one of them out.");
        }
        return new ClassMap(modelNames.Count, labels.Length, targets, modelNames);

        bool IsSame(int label) => label < modelNames.Count
            && string.Equals(names[label], modelNames[label], StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The labels that images have, each with the first such image.</summary>
    private static SortedDictionary<int, string> LabelsOf(ImageSource images)
    {
        var labels = new SortedDictionary<int, string>();
        for (int i = 0; i < images.Count; i++)
        {
            if (images.Label(i) is { } label && !labels.ContainsKey(label))
                labels.Add(label, images.Name(i));
        }
        return labels;
    }

    private static void RequireLabels(SortedDictionary<int, string> shown, int classes, string owner)
    {
        foreach ((int label, string image) in shown)
        {
            if ((uint)label >= (uint)classes)
            {
                throw new BitisException(
                    $"{image} has the label {label}, but {owner} {DisplayText.Count(classes, "class")} (0 to "
                        + $"{classes - 1}). "
                    + "Is this the data set that the model was trained for?");
            }
        }
    }

    private static void RequireSameCount(ImageSource images, int classes, IReadOnlyList<string>? classNames)
    {
        if (images.ClassCount is not { } count || count == classes)
            return;
        string advice = classNames is null
            ? "The model has no class names, so images of some of its classes need a labels.csv "
                + "with the model's numbers in a column class_index."
            : "Say which classes these are: --classes FILE with their names, one a line.";
        throw new BitisException(
            $"{images.Description}: the images have {DisplayText.Count(count, "class")}, the model has "
                + $"{classes}. {advice}");
    }
}
