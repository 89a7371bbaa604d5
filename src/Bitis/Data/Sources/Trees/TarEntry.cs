namespace Bitis.Data.Sources.Trees;

/// <summary>An entry of a tar archive.</summary>
/// <param name="Name">The name, as it is in the archive.</param>
/// <param name="Offset">Where the contents start.</param>
/// <param name="Length">How many bytes they are.</param>
/// <param name="IsFolder">Whether it is a folder.</param>
/// <param name="LeftOut">The reason why it is not read: <c>link</c>; null for files and folders.</param>
internal readonly record struct TarEntry(string Name, long Offset, long Length, bool IsFolder, string? LeftOut);
