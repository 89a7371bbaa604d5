using System.Text.Json.Serialization;
using Bitis.Cli.Output.Parts;
using Bitis.Data;

namespace Bitis.Cli.Output.Results;

/// <summary>What <c>bitis classify</c> answered.</summary>
/// <param name="Model">The model.</param>
/// <param name="Images">The answers, in the order of the images.</param>
/// <param name="BadImages">What could not be opened or decoded.</param>
/// <param name="Fails">Whether bad images end in an error.</param>
internal sealed record ClassifyResult(
    string Model,
    IReadOnlyList<ImageAnswers> Images,
    IReadOnlyList<BadImage> BadImages,
    [property: JsonIgnore] bool Fails) : ICommandResult
{
    /// <inheritdoc />
    int ICommandResult.ExitCode => Fails && BadImages.Count > 0 ? ExitCodes.BadInput : ExitCodes.Success;

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
