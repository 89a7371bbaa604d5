namespace Bitis.Cli.Output;

/// <summary>The classes that an image most probably shows, best first.</summary>
internal sealed record ImageAnswers(string Image, IReadOnlyList<Answer> Answers);
