namespace Bitis.Data;

/// <summary>An image that cannot be decoded.</summary>
/// <param name="Image">Its name in reports.</param>
/// <param name="Reason">The message that names the file, the place in it and what is wrong.</param>
internal sealed record BadImage(string Image, string Reason);
