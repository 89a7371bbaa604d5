namespace Bitis.Cli.Output.Pages;

/// <summary>A thumbnail with a text under it.</summary>
/// <param name="Png">The file.</param>
/// <param name="Name">The image's name.</param>
/// <param name="Lines">What to say of it.</param>
internal sealed record PageImage(byte[] Png, string Name, IReadOnlyList<string> Lines);
