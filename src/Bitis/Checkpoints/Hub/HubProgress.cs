namespace Bitis.Checkpoints.Hub;

/// <summary>The progress of a download.</summary>
/// <param name="Bytes">The bytes on disk, including those of earlier attempts.</param>
/// <param name="TotalBytes">The size of the file; null if the server does not tell it.</param>
internal readonly record struct HubProgress(long Bytes, long? TotalBytes);
