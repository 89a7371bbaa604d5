namespace Bitis.Checkpoints.Hub;

/// <summary>What the hub says about a file before it is downloaded.</summary>
/// <param name="Commit">The commit that the revision stands for.</param>
/// <param name="ETag">The SHA-256 of a large file, the git blob SHA-1 of a small one; also its name in the
/// cache.</param>
/// <param name="Length">The size in bytes; null when the server does not say.</param>
/// <param name="Location">Where the contents are: the hub or its content delivery network.</param>
internal sealed record HubFileInfo(string Commit, string ETag, long? Length, Uri Location);
