namespace Bitis.Data.Sources.Trees;

/// <summary>What a tar archive holds at a place.</summary>
/// <param name="Name">The name, as it is in the archive.</param>
/// <param name="Offset">Where the contents start.</param>
/// <param name="Length">How many bytes they are.</param>
/// <param name="IsFolder">Whether it is a folder.</param>
/// <param name="LeftOut">Why it is not read: <c>link</c>; null if it is a file or folder.</param>
internal readonly record struct TarEntry(string Name, long Offset, long Length, bool IsFolder, string? LeftOut);
