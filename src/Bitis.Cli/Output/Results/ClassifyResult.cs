using System.Text.Json.Serialization;
using Bitis.Cli.Output.Parts;
using Bitis.Data;

namespace Bitis.Cli.Output.Results;

/// <summary>The result of <c>bitis classify</c>.</summary>
/// <param name="Model">The model.</param>
/// <param name="Device">What computed.</param>
/// <param name="Images">The classes of each image, in the order of the images.</param>
/// <param name="BadImages">The images that could not be opened or decoded.</param>
/// <param name="Fails">Whether such images make the command fail.</param>
internal sealed record ClassifyResult(
    string Model,
    string Device,
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
