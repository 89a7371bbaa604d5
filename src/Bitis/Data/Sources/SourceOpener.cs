using Bitis.Data.BuiltIn;
using Bitis.Data.Decoding;
using Bitis.Data.Sources.Binary;
using Bitis.Data.Sources.Labels;
using Bitis.Data.Sources.Trees;
using Bitis.Files;

namespace Bitis.Data.Sources;

/// <summary>Recognizes the image set at a path, and opens it.</summary>
/// <param name="decoder">The image decoder; null for sets without image files.</param>
/// <param name="cancellationToken">Ends the listing of files.</param>
internal sealed class SourceOpener(IImageDecoder? decoder, CancellationToken cancellationToken)
{
    /// <summary>Opens the image set at a path; see <see cref="ImageSource.Open"/>.</summary>
    public ImageSource Open(string path)
    {
        InputPath.RequireUtf8(path);
        if (Directory.Exists(path))
            return OpenTree(new FolderTree(path, cancellationToken: cancellationToken));
        if (File.Exists(path))
            return OpenFile(path);
        if (BuiltInSplitOf(path) is { } split)
            return new BuiltInImageSource(split);
        if (BuiltInMasksOf(path) is { } masks)
            return new BuiltInMaskSource(masks);

        // The path may continue inside an archive, or name a part of a folder of binary files.
        string normalized = path.Replace(
            ".zip!", ".zip/", StringComparison.OrdinalIgnoreCase).Replace('\\', '/').TrimEnd('/');
        for (int slash = normalized.LastIndexOf('/'); slash > 0; slash = normalized.LastIndexOf('/', slash - 1))
        {
            string outer = normalized[..slash];
            string inner = normalized[(slash + 1)..].Trim('/');
            if (File.Exists(outer))
                return OpenInside(outer, inner);
            if (Directory.Exists(outer))
                return OpenPart(outer, inner) ?? throw Missing(path);
        }
        throw Missing(path);
    }

    private static BuiltInSplit? BuiltInSplitOf(string name) => name switch
    {
        "builtin/train" => BuiltInSplit.Train,
        "builtin/test" => BuiltInSplit.Test,
        _ => null,
    };

    private static BuiltInSplit? BuiltInMasksOf(string name) => name switch
    {
        "builtin-masks/train" => BuiltInSplit.Train,
        "builtin-masks/test" => BuiltInSplit.Test,
        _ => null,
    };

    private ImageSource OpenFile(string path)
    {
        if (OpenArchive(path) is { } archive)
            return OpenTree(Entered(archive));
        if (HasExtension(path, ".csv"))
            return OpenLabelFile(path);
        if (HoldsIdxImages(path))
            return new IdxSource(FolderAround(path), Path.GetFileName(path));
        if (HasExtension(path, ".bin"))
            return CifarBinary.Open(FolderAround(path), [Path.GetFileName(path)]);
        if (IsPickle(path))
            return CifarPython.Open(FolderAround(path), [Path.GetFileName(path)]);
        return new SingleImageSource(path, RequireDecoder(path));
    }

    private IImageDecoder RequireDecoder(string path) =>
        decoder ?? throw BitisException.InFile(
            path,
                "image files need a decoder; give ImageSource.Open one, or use ImageSource.Open(path) of "
                + "Bitis.Imaging.");

    private ImageSource OpenLabelFile(string path)
    {
        IImageDecoder required = RequireDecoder(path);
        return LabelFile.Open(
            new FolderTree(FolderOf(path), cancellationToken: cancellationToken), Path.GetFileName(path), required);
    }

    private static ArchiveTree Entered(ArchiveTree archive)
    {
        try
        {
            archive.Enter("");
            return archive;
        }
        catch
        {
            archive.Dispose();
            throw;
        }
    }

    private static bool HasExtension(string path, string extension) =>
        Path.GetExtension(path).Equals(extension, StringComparison.OrdinalIgnoreCase);

    /// <summary>The tree of the files beside a file.</summary>
    private FolderTree FolderAround(string path) => new(FolderOf(path), depth: 0, cancellationToken);

    private static string FolderOf(string path) => Path.GetDirectoryName(path) is { Length: > 0 } folder ? folder : ".";

    private static bool HoldsIdxImages(string path)
    {
        using DataFile file = DataFile.Open(path);
        return IdxSource.Recognizes(file);
    }

    private static bool IsPickle(string path)
    {
        Span<byte> start = stackalloc byte[2];
        using DataFile file = DataFile.Open(path);
        return CifarPython.Recognizes(start[..file.ReadStart(start)]);
    }

    private ImageSource OpenTree(FileTree tree)
    {
        try
        {
            if (BinarySets.Open(tree, part: null) is { } binary)
                return binary;
            IImageDecoder required = RequireDecoder(tree.Path);
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

    /// <summary>Opens a folder of an archive, or a part of the binary files in one.</summary>
    private ImageSource OpenInside(string path, string inner)
    {
        ArchiveTree archive = OpenArchive(path)
            ?? throw BitisException.InFile($"{path}/{inner}", $"{path} is a file, and no zip or tar archive.");
        try
        {
            if (archive.Enter(inner))
                return OpenTree(archive);
            int slash = inner.LastIndexOf('/');
            string folder = inner[..Math.Max(0, slash)], part = inner[(slash + 1)..];
            return (IsPart(part) && archive.Enter(folder) ? BinarySets.Open(archive, part) : null)
                ?? throw BitisException.InFile(path, $"the archive holds no folder '{inner}'.");
        }
        catch
        {
            archive.Dispose();
            throw;
        }
    }

    private ImageSource? OpenPart(string folder, string part) =>
        IsPart(part)
            ? BinarySets.Open(new FolderTree(folder, BinarySets.MaxFolders, cancellationToken), part)
            : null;

    private static bool IsPart(string name) => name is BinarySets.Train or BinarySets.Test;

    /// <summary>Opens a file as an archive; null if it is not one.</summary>
    private ArchiveTree? OpenArchive(string path) =>
        IsZip(path) ? new ZipTree(path) : TarTree.Recognizes(path) ? new TarTree(path, cancellationToken) : null;

    private static bool IsZip(string path)
    {
        using DataFile file = DataFile.Open(path);
        Span<byte> start = stackalloc byte[4];
        // "PK\3\4" starts an entry, "PK\5\6" ends a zip without any.
        return file.ReadStart(start) == start.Length
            && (start.SequenceEqual("PK\u0003\u0004"u8) || start.SequenceEqual("PK\u0005\u0006"u8));
    }

    private static BitisException Missing(string path)
    {
        string hint = path.StartsWith("builtin", StringComparison.Ordinal)
            ? " The built-in images are builtin/train and builtin/test, and, with masks, builtin-masks/train and "
                + "builtin-masks/test."
            : "";
        return BitisException.InFile(path, $"no such file or folder.{hint}");
    }
}
