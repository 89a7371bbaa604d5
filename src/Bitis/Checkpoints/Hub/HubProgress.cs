namespace Bitis.Checkpoints.Hub;

/// <summary>How far a download has come.</summary>
/// <param name="Bytes">The bytes on disk, those of an earlier attempt included.</param>
/// <param name="TotalBytes">The size of the file; null when the server does not say.</param>
internal readonly record struct HubProgress(long Bytes, long? TotalBytes);
