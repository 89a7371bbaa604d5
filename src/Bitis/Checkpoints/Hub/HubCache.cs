using Bitis.Files;

namespace Bitis.Checkpoints.Hub;

/// <summary>One repository's folder in the hub's cache.</summary>
/// <remarks>
/// Its layout is that of Hugging Face's own tools, so all share one copy: <c>blobs/ETAG</c> (contents),
/// <c>snapshots/COMMIT/FILE</c> (links to blobs), <c>refs/REVISION</c> (a commit).
/// </remarks>
internal sealed class HubCache(string cacheFolder, HubReference reference)
{
    private const int CommitLength = 40;

    private readonly string _folder = Path.Combine(cacheFolder, $"models--{reference.Owner}--{reference.Name}");

    /// <summary>Whether the revision is a commit, whose files never change.</summary>
    public bool IsPinned => IsCommit(reference.Revision);

    /// <summary>Whether a text is the full name of a commit.</summary>
    public static bool IsCommit(string text) => text.Length == CommitLength && text.All(char.IsAsciiHexDigit);

    /// <summary>The file at the last known commit of its revision; null if it is not in the cache.</summary>
    public string? Find()
    {
        string commit = reference.Revision;
        if (!IsPinned)
        {
            string refPath = Path.Combine(_folder, "refs", reference.Revision);
            commit = new FileInfo(refPath) is { Exists: true, Length: < 1024 } ? File.ReadAllText(refPath).Trim() : "";
            if (!IsCommit(commit))
                return null;
        }
        string path = SnapshotPath(commit);
        return File.Exists(path) ? path : null;
    }

    /// <summary>The path of the contents with this ETag.</summary>
    public string BlobPath(string etag) => Path.Combine(_folder, "blobs", etag);

    /// <summary>Adds the file to its snapshot, and records the commit of the revision.</summary>
    /// <returns>The path of the file in the snapshot.</returns>
    public string Publish(HubFileInfo info)
    {
        string path = SnapshotPath(info.Commit);
        string blob = BlobPath(info.ETag);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (!File.Exists(path))
            Link(path, blob);
        if (!IsPinned)
        {
            string refPath = Path.Combine(_folder, "refs", reference.Revision);
            Directory.CreateDirectory(Path.GetDirectoryName(refPath)!);
            AtomicFile.Write(refPath, stream => stream.Write(System.Text.Encoding.ASCII.GetBytes(info.Commit)));
        }
        return path;
    }

    private static void Link(string path, string blob)
    {
        try
        {
            File.Delete(path); // a broken link
            File.CreateSymbolicLink(path, Path.GetRelativePath(Path.GetDirectoryName(path)!, blob));
        }
        catch (Exception e) when ((e is IOException or UnauthorizedAccessException) && !File.Exists(path))
        {
            // Without links (Windows without developer mode, some file systems), the file is copied, as by Hugging
            // Face's tools.
            using FileStream contents = File.OpenRead(blob);
            AtomicFile.Write(path, contents.CopyTo);
        }
    }

    private string SnapshotPath(string commit) =>
        Path.Combine([_folder, "snapshots", commit, .. reference.File.Split('/')]);
}
