namespace Bitis.Checkpoints.Hub;

/// <summary>The hub's information about a file before its download.</summary>
/// <param name="Commit">The commit of the revision.</param>
/// <param name="ETag">
/// The SHA-256 of a large file, the git blob SHA-1 of a small one; also its name in the cache.
/// </param>
/// <param name="Length">The size in bytes; null if the server does not tell it.</param>
/// <param name="Location">The address of the contents, on the hub or its content delivery network.</param>
internal sealed record HubFileInfo(string Commit, string ETag, long? Length, Uri Location);
