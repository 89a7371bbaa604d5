using Bitis.Data.Sources.Trees;

namespace Bitis.Data.Sources.Binary;

/// <summary>Opens image sets in binary files with their published names: CIFAR and IDX (MNIST).</summary>
internal static class BinarySets
{
    /// <summary>The parts of a published set.</summary>
    public const string Train = "train", Test = "test";

    /// <summary>The most folders around a set in archives and torchvision's folders: <c>MNIST/raw</c>.</summary>
    public const int MaxFolders = 2;

    private static readonly BinaryKind[] Kinds =
    [
        new(
            (_, file) => CifarBinary.IsTraining(Path.GetFileName(file)) || CifarBinary.IsTest(Path.GetFileName(file)),
            CifarBinary.IsTraining,
            CifarBinary.IsTest,
            TakesSeveral: true,
            CifarBinary.Open),
        new(IsPythonBatch, CifarPython.IsTraining, CifarPython.IsTest, TakesSeveral: true, CifarPython.Open),
        new(
            (_, file) => IdxSource.IsKnownName(Path.GetFileName(file)),
            IdxSource.IsTraining,
            IdxSource.IsTest,
            TakesSeveral: false,
            (tree, files) => new IdxSource(tree, files[0])),
    ];

    /// <summary>Opens all files of a tree, or those of one part; null if there are none.</summary>
    /// <exception cref="BitisException">There are several sets or parts, or a file is damaged.</exception>
    public static ImageSource? Open(FileTree tree, string? part)
    {
        foreach (BinaryKind kind in Kinds)
        {
            string[] files = [.. tree.Files.Where(file => kind.IsKnown(tree, file))];
            string[] here = [.. files.Where(file => !file.Contains('/', StringComparison.Ordinal))];
            // A binary file deep inside a set of image files is not the set.
            string[] set = here.Length > 0 || tree.Files.Any(file => FileTree.FormatByName(file) is not null)
                ? here
                : [.. files.Where(file => file.AsSpan().Count('/') <= MaxFolders)];
            if (set.Length > 0)
                return Open(kind, tree, set, part);
        }
        return null;
    }

    /// <summary>
    /// Whether a file is a Python batch, by name and content, since names such as <c>test</c> are common.
    /// </summary>
    private static bool IsPythonBatch(FileTree tree, string file)
    {
        string name = Path.GetFileName(file);
        if (!CifarPython.IsTraining(name) && !CifarPython.IsTest(name))
            return false;
        Span<byte> start = stackalloc byte[2];
        try
        {
            return CifarPython.Recognizes(start[..tree.ReadStart(file, start)]);
        }
        catch (BitisException)
        {
            return false; // an encrypted entry, a pipe, or a broken link
        }
    }

    private static ImageSource? Open(BinaryKind kind, FileTree tree, string[] set, string? part)
    {
        string[] folders = [.. set.Select(file => file[..Math.Max(0, file.LastIndexOf('/'))]).Distinct()];
        if (folders.Length > 1)
        {
            throw BitisException.InFile(
                tree.Path,
                $"there are several sets here; name one: {string.Join(" or ", folders.Select(tree.FullName))}.");
        }
        string[] files =
        [
            .. IdxSource.WithoutCopies(set).Where(file => part switch
            {
                Train => kind.IsTraining(Path.GetFileName(file)),
                Test => kind.IsTest(Path.GetFileName(file)),
                _ => true,
            }),
        ];
        bool isInParts = files.Any(file => kind.IsTraining(Path.GetFileName(file)))
            && files.Any(file => kind.IsTest(Path.GetFileName(file)));
        if (isInParts || (files.Length > 1 && !kind.TakesSeveral))
        {
            throw BitisException.InFile(
                tree.Path,
                $"this holds several parts of a set ({string.Join(", ", files)}); "
                + $"name a file, {tree.Path}/{Train} or {tree.Path}/{Test}.");
        }
        return files.Length == 0 ? null : kind.Open(tree, files);
    }
}
