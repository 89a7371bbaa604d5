namespace Bitis.Cli.Output;

/// <summary>What <c>bitis classify</c> answered.</summary>
internal sealed record ClassifyResult(string Model, IReadOnlyList<ImageAnswers> Images) : ICommandResult
{
    /// <inheritdoc />
    public void Describe(Report report)
    {
        bool hasNames = Images.Any(image => image.Answers.Any(answer => answer.Name is not null));
        string[] columns = hasNames ? ["image", ">probability", ">class", "name"] : ["image", ">probability", ">class"];
        report.Table(columns, Images.SelectMany(image => image.Answers.Select((answer, rank) =>
        {
            string[] cells = [rank == 0 ? image.Image : "", Format.Percent(answer.Probability), $"{answer.Class}"];
            return hasNames ? [.. cells, answer.Name ?? ""] : cells;
        })));
    }
}
