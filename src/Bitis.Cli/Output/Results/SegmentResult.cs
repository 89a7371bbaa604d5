using System.Text.Json.Serialization;
using Bitis.Cli.Output.Parts;
using Bitis.Data;

namespace Bitis.Cli.Output.Results;

/// <summary>The result of <c>bitis segment</c>.</summary>
/// <param name="Model">The model.</param>
/// <param name="Output">The folder with the files.</param>
/// <param name="Images">The images.</param>
/// <param name="BadImages">The images that could not be opened or decoded.</param>
/// <param name="Fails">Whether such images make the command fail.</param>
internal sealed record SegmentResult(
    string Model,
    string Output,
    IReadOnlyList<SegmentedImage> Images,
    IReadOnlyList<BadImage> BadImages,
    [property: JsonIgnore] bool Fails) : ICommandResult
{
    private const int ShownClasses = 3;

    /// <inheritdoc />
    int ICommandResult.ExitCode => Fails && BadImages.Count > 0 ? ExitCodes.BadInput : ExitCodes.Success;

    /// <inheritdoc />
    public void Describe(Report report)
    {
        report.Table(["image", ">size", "largest classes"], Images.Select(image => (string[])
        [
            image.Image,
            $"{image.Width}×{image.Height}",
            string.Join(", ", image.Classes.Take(ShownClasses).Select(
                share => $"{share.Name ?? $"{share.Class}"} {Format.Percent(share.Share)}")),
        ]));
        report.Line();
        report.Line($"{DisplayText.Count(Images.Sum(image => image.Files.Count), "file")} in {Output}");
    }
}
