namespace Bitis.Cli.Output.Parts;

/// <summary>The most probable classes of an image, best first.</summary>
internal sealed record ImageAnswers(string Image, IReadOnlyList<Answer> Answers);
