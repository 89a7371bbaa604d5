namespace Bitis.Data;

/// <summary>An image that cannot be decoded.</summary>
/// <param name="Image">The image's name in reports.</param>
/// <param name="Reason">A message with the file, the place in it and the problem.</param>
internal sealed record BadImage(string Image, string Reason);
