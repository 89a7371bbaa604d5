using Bitis.Data.Decoding;
using Bitis.Data.Sources.Trees;

namespace Bitis.Data.Sources;

/// <summary>
/// Image sets whose labels are in the arrangement of their files: one folder a class, numbered in ordinal order of the
/// names (files may lie deeper), or no folders and no labels. Files are told apart by their content. Folders without
/// pictures are no classes.
/// </summary>
internal static class ImageFolders
{
    private static readonly string[] TrainNames = ["train", "training"];
    private static readonly string[] OtherPartNames = ["test", "testing", "val", "valid", "validation"];

    /// <summary>Opens the images of a tree.</summary>
    /// <param name="tree">The files.</param>
    /// <param name="decoder">What decodes them.</param>
    /// <exception cref="BitisException">There are none, or their arrangement is ambiguous.</exception>
    public static ImageSource Open(FileTree tree, IImageDecoder decoder)
    {
        var images = new List<string>();
        var unreadable = new List<string>();
        foreach (string file in tree.Files)
            Sort(tree, file, decoder, images, unreadable);
        if (images.Count == 0)
        {
            string seen = tree.Clutter.Files is { } files ? $" ({files})" : "";
            throw BitisException.InFile(
                tree.Path,
                    $"there are no images here{seen}; {string.Join(", ", decoder.Formats)} files were expected.");
        }

        string root = CommonFolder(images);
        string? loose = images.Find(image => !Below(root, image).Contains('/', StringComparison.Ordinal));
        if (loose is not null && images.Exists(image => Below(root, image).Contains('/', StringComparison.Ordinal)))
        {
            throw BitisException.InFile(
                tree.Path,
                $"there are images in folders and beside them ('{loose}'); put all of them into class folders, or "
                + "none.");
        }
        List<string> notices = [.. Notices(tree)];
        if (loose is not null)
        {
            return new ImageFileSource(
                tree,
                decoder,
                [.. images.Select(image => (image, (int?)null))],
                classNames: null,
                classCount: null,
                notices);
        }

        // A folder of pictures that cannot be read keeps its number.
        List<string> classes =
        [
            .. images.Concat(unreadable.Where(picture => picture.StartsWith(root, StringComparison.Ordinal)))
                .Select(picture => Below(root, picture))
                .Where(picture => picture.Contains('/', StringComparison.Ordinal))
                .Select(FirstPart)
                .Distinct()
                .Order(StringComparer.Ordinal),
        ];
        RefuseParts(tree, root, classes);
        if (WithoutPictures(tree, root, classes) is { Count: > 0 } empty)
        {
            string folders = DisplayText.Count(empty.Count, "folder");
            string are = empty.Count == 1 ? "is no class" : "are no classes";
            notices.Add($"{tree.Path}: {folders} without images {are}: {TreeClutter.Names(empty)}.");
        }
        var labels = classes.Index().ToDictionary(c => c.Item, c => c.Index);
        return new ImageFileSource(
            tree,
            decoder,
            [.. images.Select(image => (image, (int?)labels[FirstPart(Below(root, image))]))],
            classes,
            classes.Count,
            notices);
    }

    /// <summary>
    /// Finds out whether a file is an image. Where its name says so, that is left to whoever decodes it.
    /// </summary>
    private static void Sort(
        FileTree tree, string file, IImageDecoder decoder, List<string> images, List<string> unreadable)
    {
        if (FileTree.FormatByName(file) is { } format && decoder.Formats.Contains(format))
        {
            images.Add(file);
            return;
        }
        Span<byte> start = stackalloc byte[FileContent.StartLength];
        try
        {
            start = start[..tree.ReadStart(file, start)];
        }
        catch (BitisException)
        {
            tree.Clutter.AddFile("unreadable");
            return;
        }
        if (decoder.Identify(start) is not null)
        {
            images.Add(file);
            return;
        }
        string content = FileContent.NameOf(start);
        tree.Clutter.AddFile(content);
        if (FileContent.IsPicture(content))
            unreadable.Add(file);
    }

    private static IEnumerable<string> Notices(FileTree tree) =>
        new[] { tree.Clutter.Files, tree.Clutter.Folders }
            .OfType<string>()
            .Select(notice => $"{tree.Path}: {notice}.");

    /// <summary>Refuses a set that is in parts, given as a whole: these are no classes.</summary>
    private static void RefuseParts(FileTree tree, string root, List<string> classes)
    {
        string[] parts = [.. classes.Where(name => IsOneOf(name, TrainNames) || IsOneOf(name, OtherPartNames))];
        bool isInParts = parts.Length == classes.Count
            || (parts.Any(name => IsOneOf(name, TrainNames)) && parts.Any(name => IsOneOf(name, OtherPartNames)));
        if (!isInParts)
            return;
        throw BitisException.InFile(
            tree.Path,
            $"the {(parts.Length == 1 ? "folder is a part" : "folders are parts")} of a set, and no "
            + $"{(parts.Length == 1 ? "class" : "classes")}. Give one part: "
            + $"{string.Join(" or ", parts.Select(part => $"{tree.Path}/{root}{part}"))}.");
    }

    private static bool IsOneOf(string name, string[] names) => names.Contains(name, StringComparer.OrdinalIgnoreCase);

    private static List<string> WithoutPictures(FileTree tree, string root, List<string> classes) =>
    [
        .. tree.Folders
            .Where(folder => folder.StartsWith(root, StringComparison.Ordinal))
            .Select(folder => Below(root, folder))
            .Where(folder => folder.Length > 0 && !folder.Contains('/', StringComparison.Ordinal))
            .Except(classes)
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>
    /// The wrapping folders of an archive that holds its set one or more folders down: <c>""</c> or <c>"set/"</c>.
    /// </summary>
    private static string CommonFolder(List<string> images)
    {
        string root = "";
        while (true)
        {
            string first = Below(root, images[0]);
            string next = root + FirstPart(first) + "/";
            bool wraps = images.TrueForAll(image =>
                image.StartsWith(next, StringComparison.Ordinal) && image.IndexOf('/', next.Length) >= 0);
            if (!wraps)
                return root;
            root = next;
        }
    }

    private static string Below(string root, string name) => name[root.Length..];

    private static string FirstPart(string name)
    {
        int slash = name.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? name : name[..slash];
    }
}
