using Bitis.Data.BuiltIn;
using Bitis.Data.Decoding;
using Bitis.Data.Sources.Binary;
using Bitis.Data.Sources.Labels;
using Bitis.Data.Sources.Trees;
using Bitis.Files;

namespace Bitis.Data.Sources;

/// <summary>Finds out what a path holds, and opens it.</summary>
internal static class SourceOpener
{
    /// <summary>Opens the image set at a path; see <see cref="ImageSource.Open"/>.</summary>
    public static ImageSource Open(string path, IImageDecoder? decoder)
    {
        InputPath.RequireUtf8(path);
        if (Directory.Exists(path))
            return OpenTree(new FolderTree(path), decoder);
        if (File.Exists(path))
            return OpenFile(path, decoder);
        if (BuiltInSplitOf(path) is { } split)
            return new BuiltInImageSource(split);

        // The path may go on inside an archive, or name a part of a folder of binary files.
        string normalized = path.Replace(".zip!", ".zip/", StringComparison.OrdinalIgnoreCase).Replace('\\', '/').TrimEnd('/');
        for (int slash = normalized.LastIndexOf('/'); slash > 0; slash = normalized.LastIndexOf('/', slash - 1))
        {
            string outer = normalized[..slash];
            string inner = normalized[(slash + 1)..].Trim('/');
            if (File.Exists(outer))
                return OpenInside(outer, inner, decoder);
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

    private static ImageSource OpenFile(string path, IImageDecoder? decoder)
    {
        if (OpenArchive(path) is { } archive)
            return OpenTree(Entered(archive), decoder);
        if (HasExtension(path, ".csv"))
            return OpenLabelFile(path, decoder);
        if (HoldsIdxImages(path))
            return new IdxSource(new FolderTree(FolderOf(path), depth: 0), Path.GetFileName(path));
        if (HasExtension(path, ".bin"))
            return CifarBinary.Open(new FolderTree(FolderOf(path), depth: 0), [Path.GetFileName(path)]);
        if (IsPickle(path))
            return CifarPython.Open(new FolderTree(FolderOf(path), depth: 0), [Path.GetFileName(path)]);
        return new SingleImageSource(path, RequireDecoder(decoder, path));
    }

    private static IImageDecoder RequireDecoder(IImageDecoder? decoder, string path) =>
        decoder ?? throw BitisException.InFile(
            path, "image files need a decoder; give ImageSource.Open one, or use ImageSource.Open(path) of Bitis.Imaging.");

    private static ImageSource OpenLabelFile(string path, IImageDecoder? decoder)
    {
        IImageDecoder required = RequireDecoder(decoder, path);
        return LabelFile.Open(new FolderTree(FolderOf(path)), Path.GetFileName(path), required);
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

    private static ImageSource OpenTree(FileTree tree, IImageDecoder? decoder)
    {
        try
        {
            if (BinarySets.Open(tree, part: null) is { } binary)
                return binary;
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

    /// <summary>Opens a folder of an archive, or a part of the binary files in one.</summary>
    private static ImageSource OpenInside(string path, string inner, IImageDecoder? decoder)
    {
        ArchiveTree archive = OpenArchive(path)
            ?? throw BitisException.InFile($"{path}/{inner}", $"{path} is a file, and no zip or tar archive.");
        try
        {
            if (archive.Enter(inner))
                return OpenTree(archive, decoder);
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

    private static ImageSource? OpenPart(string folder, string part) =>
        IsPart(part) ? BinarySets.Open(new FolderTree(folder, BinarySets.MaxFolders), part) : null;

    private static bool IsPart(string name) => name is BinarySets.Train or BinarySets.Test;

    /// <summary>The archive that a file is; null if it is none.</summary>
    private static ArchiveTree? OpenArchive(string path) =>
        IsZip(path) ? new ZipTree(path) : TarTree.Recognizes(path) ? new TarTree(path) : null;

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
        string hint = path.StartsWith("builtin", StringComparison.Ordinal) ? " The built-in images are builtin/train and builtin/test." : "";
        return BitisException.InFile(path, $"no such file or folder.{hint}");
    }
}
