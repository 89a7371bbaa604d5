namespace Bitis.Data.Sources;

/// <summary>
/// Image sets whose labels are in the arrangement of their files: one folder a class, numbered in ordinal order of the
/// names (files may lie deeper, and a class without images keeps its number), or no folders and no labels.
/// </summary>
internal static class ImageFolders
{
    private static readonly string[] SplitNames = ["train", "training", "test", "testing", "val", "valid", "validation"];

    /// <summary>Opens the images of a tree.</summary>
    /// <param name="tree">The files.</param>
    /// <param name="decoder">What decodes them.</param>
    /// <exception cref="BitisException">There are none, or their arrangement is ambiguous.</exception>
    public static ImageSource Open(FileTree tree, IImageDecoder decoder)
    {
        List<string> images = [.. tree.Files.Where(FileTree.IsImage)];
        if (images.Count == 0)
            throw BitisException.InFile(tree.Path, "there are no images here; JPEG, PNG or BMP files were expected.");

        string root = CommonFolder(images);
        string? loose = images.Find(image => !Below(root, image).Contains('/', StringComparison.Ordinal));
        List<string> classes =
        [
            .. tree.Folders
                .Where(folder => folder.StartsWith(root, StringComparison.Ordinal))
                .Select(folder => Below(root, folder))
                .Where(folder => folder.Length > 0 && !folder.Contains('/', StringComparison.Ordinal))
                .Order(StringComparer.Ordinal),
        ];
        if (loose is not null && images.Exists(image => Below(root, image).Contains('/', StringComparison.Ordinal)))
        {
            throw BitisException.InFile(
                tree.Path,
                $"there are images in folders and beside them ('{loose}'); put all of them into class folders, or "
                + "none.");
        }
        if (loose is not null)
        {
            return new ImageFileSource(
                tree, decoder, [.. images.Select(image => (image, (int?)null))], classNames: null, classCount: null);
        }
        if (classes.TrueForAll(name => SplitNames.Contains(name, StringComparer.OrdinalIgnoreCase)))
        {
            throw BitisException.InFile(
                tree.Path,
                $"this holds the parts {string.Join(" and ", classes)} of a set; name one: {tree.Path}/{root}{classes[0]}");
        }

        var labels = classes.Index().ToDictionary(c => c.Item, c => c.Index);
        return new ImageFileSource(
            tree,
            decoder,
            [.. images.Select(image => (image, (int?)labels[FirstPart(Below(root, image))]))],
            classes,
            classes.Count);
    }

    /// <summary>The wrapping folders of a zip that holds its set one or more folders down: <c>""</c> or <c>"set/"</c>.</summary>
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
