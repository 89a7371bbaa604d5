using Bitis.Checkpoints;

namespace Bitis.Data.Sources;

/// <summary>The files below a folder.</summary>
internal sealed class FolderTree : FileTree
{
    // Links are followed, as class folders may be links; the depth limit ends those that lead back up.
    private static readonly EnumerationOptions Everything = new()
    {
        RecurseSubdirectories = true,
        MaxRecursionDepth = 8,
        IgnoreInaccessible = false,
        AttributesToSkip = FileAttributes.None,
    };

    private readonly List<string> _files = [];
    private readonly List<string> _folders = [];

    public FolderTree(string folder)
    {
        Path = folder.Length > 1 ? folder.TrimEnd('/', System.IO.Path.DirectorySeparatorChar) : folder;
        try
        {
            foreach (FileSystemInfo entry in new DirectoryInfo(folder).EnumerateFileSystemInfos("*", Everything))
            {
                string name = System.IO.Path.GetRelativePath(folder, entry.FullName)
                    .Replace(System.IO.Path.DirectorySeparatorChar, '/');
                if (IsHidden(name))
                    continue;
                InputPath.RequireUtf8(entry.FullName); // would be left out without a word
                (entry.Attributes.HasFlag(FileAttributes.Directory) ? _folders : _files).Add(name);
            }
        }
        catch (Exception e) when (InputFile.IsFileSystemFailure(e))
        {
            throw InputFile.Failure(folder, e);
        }
        _files.Sort(StringComparer.Ordinal);
    }

    public override string Path { get; }

    public override IReadOnlyList<string> Files => _files;

    public override IReadOnlyCollection<string> Folders => _folders;

    public override byte[] Read(string file, int maxBytes) => InputFile.ReadAllBytes(FullName(file), maxBytes);

    public override void Dispose()
    {
    }
}
