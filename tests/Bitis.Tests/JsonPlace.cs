namespace Bitis.Tests;

/// <summary>A place in JSON.</summary>
/// <param name="Path">Where it is: <c>scans.x[2].bits</c>.</param>
/// <param name="MayBeNull">Whether its type in C# allows null.</param>
/// <param name="IsMember">Whether it is a member of a record, not an element of a list or dictionary.</param>
internal sealed record JsonPlace(string Path, bool MayBeNull, bool IsMember);
