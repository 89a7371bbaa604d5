using System.CommandLine;
using Bitis.Cli.Input;
using Bitis.Cli.Output;
using Bitis.Cli.Output.Parts;
using Bitis.Cli.Output.Results;
using Bitis.Data;
using Bitis.Data.Decoding;
using Bitis.Files;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis segment</c>: gives a class to each pixel of images, and draws them.</summary>
internal sealed class SegmentCommand : BitisCommand
{
    /// <summary>The most classes that the palette of a PNG file can show.</summary>
    private const int MostClasses = 256;

    private readonly ModelOptionSet _model;
    private readonly Argument<string[]> _images = CommonOptions.Files(
        "IMAGE", "Image files, and folders, zips or tar archives of them.");

    private readonly Option<string?> _output = CommonOptions.RequiredPath(
        "--output", "The folder for the results; it is created if it is missing.", "FOLDER");

    private readonly Option<SlidingWindow?> _window = WindowOption.Create();
    private readonly Option<int?> _threads = CommonOptions.Threads();
    private readonly ImageOptionSet _imageOptions;

    /// <summary>Creates the command.</summary>
    public SegmentCommand(CliContext context)
        : base(
            "segment",
            "Gives a class to each pixel of images: maps of classes and colours, and an overlay with a legend.",
            "bitis segment upernet_vssm_tiny.pth street.jpg photos/ -o out",
            context)
    {
        _model = new ModelOptionSet(this, "MODEL");
        Arguments.Add(_images);
        _output.Aliases.Add("-o");
        foreach (Option option in (Option[])[_output, _window, _threads])
            Options.Add(option);
        _imageOptions = new ImageOptionSet(this);
    }

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        string folder = arguments.GetRequiredValue(_output)!;
        OutputFolder.RequireWritable(folder);
        LoadedModel model = LoadModel(_model.Reference(arguments), _model.Options(arguments), progress);
        using SegmentationSession session = model.CreateSegmentation(
            new SessionOptions { Threads = arguments.GetValue(_threads) ?? 0 }, Context.Cancellation);
        if (model.Config.Classes > MostClasses)
        {
            throw BitisException.InFile(
                model.Reference,
                $"the model has {model.Config.Classes} classes; a map in a PNG file shows at most {MostClasses}.");
        }
        var results = new List<SegmentedImage>();
        var bad = new List<BadImage>();
        var sources = new List<(string Path, ImageSource Images)>();
        try
        {
            foreach (string path in arguments.GetRequiredValue(_images))
            {
                if (TryOpen(arguments, path, bad) is { } source)
                    sources.Add((path, source));
            }
            RequireOtherNames(sources, folder);
            OutputFolder.Fill(folder, () =>
            {
                foreach ((string path, ImageSource source) in sources)
                    SegmentAll(arguments, path, source, folder, session, results, bad, progress);
                if (results.Count == 0)
                    throw new BitisException(bad[0].Reason);
            });
        }
        catch (OperationCanceledException e) when (results.Count > 0 && Context.Cancellation.IsCancellationRequested)
        {
            throw new BitisException(
                $"{folder}: cancelled after {DisplayText.Count(results.Count, "image")}, whose results are there.", e);
        }
        finally
        {
            foreach ((_, ImageSource source) in sources)
                source.Dispose();
        }
        WarnOfSkipped(bad);
        bool skips = _imageOptions.Skips(arguments);
        if (bad.Count > 0 && !skips)
            Warn("The exit code is 2 because images were left out; with --bad-images skip it is 0.");
        return new SegmentResult(model.Reference, folder, results, bad, Fails: !skips);
    }

    /// <summary>Checks before the work that no result replaces another one, or an image.</summary>
    private static void RequireOtherNames(IEnumerable<(string Path, ImageSource Images)> sources, string folder)
    {
        var images = new HashSet<string>(StringComparer.Ordinal);
        var results = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach ((string path, ImageSource source) in sources)
        {
            for (int i = 0; i < source.Count; i++)
            {
                string name = source.Name(i);
                images.Add(Path.GetFullPath(File.Exists(path) ? path : Path.Combine(path, name)));
                if (!results.TryAdd(NameOf(name), name))
                {
                    throw new BitisException(
                        $"'{name}' and '{results[NameOf(name)]}' have the same name; their results would replace each "
                        + "other. Segment them into different folders.");
                }
            }
        }
        string? replaced = results.Keys.SelectMany(name => SegmentationPictures.Endings.Select(ending => name + ending))
            .Select(file => Path.GetFullPath(Path.Combine(folder, file))).FirstOrDefault(images.Contains);
        if (replaced is not null)
            throw BitisException.InFile(replaced, "this image would be replaced by a result; choose another folder.");
    }

    private void SegmentAll(
        ParseResult arguments, string path, ImageSource source, string folder, SegmentationSession session,
        List<SegmentedImage> results, List<BadImage> bad, IProgress<WorkProgress> progress)
    {
        for (int i = 0; i < source.Count; i++)
        {
            Context.Cancellation.ThrowIfCancellationRequested();
            PixelImage image;
            try
            {
                image = source.Read(i);
            }
            catch (BitisException e)
            {
                bad.Add(new BadImage(source.Name(i), e.Message));
                continue;
            }
            SegmentationMap map = session.Segment(image, arguments.GetValue(_window), Context.Cancellation);
            IReadOnlyList<ClassShare> shares = Shares(map, session.ClassNames);
            IReadOnlyList<string> files = SegmentationPictures.Write(
                Path.Combine(folder, NameOf(source.Name(i))), image, map, session.Palette,
                [.. shares.Select(share => (share.Class, $"{share.Name ?? $"{share.Class}"}"))]);
            results.Add(new SegmentedImage(source.Name(i), image.Width, image.Height, shares, files));
            progress.Report(new WorkProgress(path, i + 1, source.Count));
        }
        WarnOfDamaged(source);
    }

    private ImageSource? TryOpen(ParseResult arguments, string path, List<BadImage> bad)
    {
        try
        {
            return _imageOptions.Open(arguments, path, this, Context.Cancellation);
        }
        catch (BitisException e)
        {
            bad.Add(new BadImage(path, e.Message));
            return null;
        }
    }

    private static IReadOnlyList<ClassShare> Shares(SegmentationMap map, IReadOnlyList<string>? names)
    {
        var counts = new Dictionary<int, int>();
        foreach (ushort label in map.Classes)
            counts[label] = counts.GetValueOrDefault(label) + 1;
        return
        [
            .. counts.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key).Select(
                pair => new ClassShare(pair.Key, names?[pair.Key], (double)pair.Value / map.Classes.Length)),
        ];
    }

    /// <summary>The name of an image's results, without an ending.</summary>
    private static string NameOf(string image) => Path.GetFileNameWithoutExtension(image);
}
