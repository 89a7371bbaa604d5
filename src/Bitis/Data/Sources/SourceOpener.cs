using Bitis.Checkpoints;

namespace Bitis.Data.Sources;

/// <summary>Finds out what a path holds, and opens it.</summary>
internal static class SourceOpener
{
    private const string Train = "train";
    private const string Test = "test";

    /// <summary>Opens the image set at a path; see <see cref="ImageSource.Open"/>.</summary>
    public static ImageSource Open(string path, IImageDecoder? decoder)
    {
        InputPath.RequireUtf8(path);
        if (Directory.Exists(path))
            return OpenFolder(path, decoder);
        if (File.Exists(path))
            return OpenFile(path, decoder);
        if (BuiltInSplitOf(path) is { } split)
            return new BuiltInImageSource(split);

        // The path may go on inside a zip, or name a part of a folder of binary files.
        string normalized = path.Replace(".zip!", ".zip/", StringComparison.OrdinalIgnoreCase).Replace('\\', '/').TrimEnd('/');
        for (int slash = normalized.LastIndexOf('/'); slash > 0; slash = normalized.LastIndexOf('/', slash - 1))
        {
            string outer = normalized[..slash];
            string inner = normalized[(slash + 1)..].Trim('/');
            if (File.Exists(outer))
            {
                return IsZip(outer)
                    ? OpenTree(new ZipTree(outer, inner), decoder)
                    : throw BitisException.InFile(path, $"{outer} is a file, and no zip.");
            }
            if (Directory.Exists(outer))
                return (inner is Train or Test ? OpenBinaryFiles(outer, inner) : null) ?? throw Missing(path);
        }
        throw Missing(path);
    }

    private static BuiltInSplit? BuiltInSplitOf(string name) => name switch
    {
        "builtin/train" => BuiltInSplit.Train,
        "builtin/test" => BuiltInSplit.Test,
        _ => null,
    };

    private static ImageSource OpenFolder(string path, IImageDecoder? decoder) =>
        OpenBinaryFiles(path, part: null) ?? OpenTree(new FolderTree(path), decoder);

    private static ImageSource OpenFile(string path, IImageDecoder? decoder)
    {
        if (IsZip(path))
            return OpenTree(new ZipTree(path, folder: ""), decoder);
        if (Path.GetExtension(path).Equals(".csv", StringComparison.OrdinalIgnoreCase))
            return OpenLabelFile(path, decoder);
        if (IdxFile.Recognizes(path, IdxSource.ImageRank))
            return new IdxSource(path);
        if (Path.GetExtension(path).Equals(".bin", StringComparison.OrdinalIgnoreCase))
            return new CifarSource([path]);
        return new SingleImageSource(path, RequireDecoder(decoder, path));
    }

    private static IImageDecoder RequireDecoder(IImageDecoder? decoder, string path) =>
        decoder ?? throw BitisException.InFile(
            path, "image files need a decoder; give ImageSource.Open one, such as ImageDecoder of Bitis.Imaging.");

    private static ImageSource OpenLabelFile(string path, IImageDecoder? decoder)
    {
        string folder = Path.GetDirectoryName(path) is { Length: > 0 } parent ? parent : ".";
        return LabelFile.Open(new FolderTree(folder), Path.GetFileName(path), RequireDecoder(decoder, path));
    }

    private static ImageSource OpenTree(FileTree tree, IImageDecoder? decoder)
    {
        try
        {
            IImageDecoder required = RequireDecoder(decoder, tree.Path);
            return tree.Files.Contains(LabelFile.DefaultName)
                ? LabelFile.Open(tree, LabelFile.DefaultName, required)
                : ImageFolders.Open(tree, required);
        }
        catch
        {
            tree.Dispose();
            throw;
        }
    }

    /// <summary>The CIFAR or IDX files of a folder, all or those of one part; null if there are none.</summary>
    private static ImageSource? OpenBinaryFiles(string folder, string? part)
    {
        string[] names = FileNames(folder);
        string[] cifar = [.. names.Where(name => part switch
        {
            Train => CifarSource.IsTraining(name),
            Test => CifarSource.IsTest(name),
            _ => CifarSource.IsKnownName(name),
        })];
        if (cifar.Length > 0)
        {
            if (cifar.Any(CifarSource.IsTraining) && cifar.Any(CifarSource.IsTest))
                throw NamePart(folder, cifar);
            return new CifarSource([.. cifar.Select(name => Path.Combine(folder, name))]);
        }

        string prefix = part switch { Train => "train-", Test => "t10k-", _ => "" };
        string[] idx = [.. names.Where(name =>
            name.StartsWith(prefix, StringComparison.Ordinal)
            && name.Contains("images", StringComparison.Ordinal)
            && name.Contains("idx3", StringComparison.Ordinal))];
        return idx.Length switch
        {
            0 => null,
            1 => new IdxSource(Path.Combine(folder, idx[0])),
            _ => throw NamePart(folder, idx),
        };
    }

    private static string[] FileNames(string folder)
    {
        try
        {
            string[] names = [.. Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path))];
            Array.Sort(names, StringComparer.Ordinal);
            return names;
        }
        catch (Exception e) when (InputFile.IsFileSystemFailure(e))
        {
            throw InputFile.Failure(folder, e);
        }
    }

    private static bool IsZip(string path)
    {
        using FileStream stream = InputFile.Open(path);
        Span<byte> start = stackalloc byte[4];
        // "PK\3\4" starts an entry, "PK\5\6" ends a zip without any.
        return stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length
            && (start.SequenceEqual("PK\u0003\u0004"u8) || start.SequenceEqual("PK\u0005\u0006"u8));
    }

    private static BitisException NamePart(string folder, string[] names) => BitisException.InFile(
        folder,
        $"this holds several parts of a set ({string.Join(", ", names)}); "
        + $"name a file, {folder}/{Train} or {folder}/{Test}.");

    private static BitisException Missing(string path)
    {
        string hint = path.StartsWith("builtin", StringComparison.Ordinal) ? " The built-in images are builtin/train and builtin/test." : "";
        return BitisException.InFile(path, $"no such file or folder.{hint}");
    }
}
