namespace Bitis.Cli.Output.Parts;

/// <summary>The classes that an image most probably shows, best first.</summary>
internal sealed record ImageAnswers(string Image, IReadOnlyList<Answer> Answers);
