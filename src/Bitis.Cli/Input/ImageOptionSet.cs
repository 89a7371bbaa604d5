using System.CommandLine;
using Bitis.Cli.Commands;
using Bitis.Data.Decoding;
using Bitis.Imaging;

namespace Bitis.Cli.Input;

/// <summary>The options of commands that read images: how they are decoded, and what becomes of damaged ones.</summary>
internal sealed class ImageOptionSet
{
    private const string Skip = "skip", Fail = "fail";

    private readonly Option<string?> _badImages = CommonOptions.Parsed<string?>(
        "--bad-images",
        $"What becomes of images that cannot be decoded: {Skip} leaves them out and says so, "
        + $"{Fail} ends with exit code 2. [default: {Fail}]",
        Parse,
        $"{Skip}|{Fail}");

    private readonly Option<bool> _orientation = new("--exif-orientation")
    {
        Description = "Turn images as their EXIF data say. Published accuracies are measured without.",
    };

    /// <summary>Adds the options to a command.</summary>
    public ImageOptionSet(Command command)
    {
        command.Options.Add(_badImages);
        command.Options.Add(_orientation);
    }

    /// <summary>Whether images that cannot be decoded are left out.</summary>
    public bool Skips(ParseResult arguments) => arguments.GetValue(_badImages) == Skip;

    /// <summary>The options that decide what images look like, for a command that has to see the same.</summary>
    public IEnumerable<string> Given(ParseResult arguments) =>
        arguments.GetValue(_orientation) ? [_orientation.Name] : [];

    /// <summary>Opens a set of images.</summary>
    /// <param name="arguments">What the user typed.</param>
    /// <param name="path">Where the set is.</param>
    /// <param name="command">Who warns of what is left out.</param>
    /// <param name="cancellationToken">Ends the listing of files.</param>
    /// <exception cref="BitisException">There is no such set.</exception>
    public ImageSource Open(
        ParseResult arguments, string path, BitisCommand command, CancellationToken cancellationToken)
    {
        var decoder = new ImageDecoder { AppliesExifOrientation = arguments.GetValue(_orientation) };
        ImageSource source = ImageSource.Open(path, decoder, cancellationToken);
        command.WarnOfLeftOut(source);
        return source;
    }

    /// <summary>The images that a run takes: all, or those that can be decoded.</summary>
    /// <param name="arguments">What the user typed.</param>
    /// <param name="images">The images; they must stay open.</param>
    /// <param name="threads">How many are decoded at once; 0 for one on each processor.</param>
    /// <param name="command">Who warns of those that are left out.</param>
    /// <param name="progress">Hears of images that were checked.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <returns>The images, and how many were left out.</returns>
    /// <exception cref="BitisException">None can be decoded.</exception>
    public (ImageSource Images, int Skipped) Usable(
        ParseResult arguments,
        ImageSource images,
        int threads,
        BitisCommand command,
        IProgress<WorkProgress> progress,
        CancellationToken cancellationToken)
    {
        if (!Skips(arguments))
            return (images, 0);
        var check = ImageCheck.Of(images, threads, progress, cancellationToken);
        ImageSource good = check.RequireGood();
        command.WarnOfSkipped(check.Bad);
        return (good, check.Bad.Count);
    }

    private static string Parse(string text) =>
        text is Skip or Fail ? text : throw new BitisException($"--bad-images takes {Skip} or {Fail}, not '{text}'.");
}
