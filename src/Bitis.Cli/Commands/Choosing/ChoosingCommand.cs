using System.CommandLine;
using Bitis.Cli.Input;
using Bitis.Data.Decoding;
using Bitis.Models.Segmentation;

namespace Bitis.Cli.Commands.Choosing;

/// <summary>A command that quantizes a float model in many ways and measures what becomes of its answers.</summary>
internal abstract class ChoosingCommand : BitisCommand
{
    private const int UsualSize = 224;

    private readonly ModelOptionSet _model;
    private readonly Option<string?> _calibration = CommonOptions.RequiredPath(
        "--calibration", "Images to calibrate with; labels are not needed.", "IMAGES");

    private readonly Option<string?> _data;
    private readonly Option<string?> _labels = CommonOptions.Path(
        "--labels",
        "For a model that segments: a folder of ground truth, a PNG file for each image of --data, of the same name.",
        "FOLDER");

    private readonly Option<int> _images = CommonOptions.Number(
        "--images", "How many images to calibrate with, drawn at random.", CalibrationSet.UsualImages, minimum: 1);

    private readonly Option<int?> _limit = CommonOptions.OptionalNumber(
        "--limit", "How many images of --data, drawn at random; by default all.");

    private readonly Option<int> _batch = CommonOptions.Number("--batch", "Images at once.", 16, minimum: 1);
    private readonly Option<int> _seed = CommonOptions.Seed();
    private readonly Option<int?> _threads = CommonOptions.Threads();
    private readonly Option<bool> _dryRun = CommonOptions.DryRun();

    private readonly ImageOptionSet _imageOptions;

    /// <summary>Adds the options that all of these commands have.</summary>
    /// <param name="name">The command.</param>
    /// <param name="description">What it does.</param>
    /// <param name="example">A command line.</param>
    /// <param name="context">Its outputs and its cancellation.</param>
    /// <param name="needsData">Whether it needs images besides those of the calibration.</param>
    /// <param name="takesMaps">Whether it takes models that segment, with labels for each pixel.</param>
    protected ChoosingCommand(
        string name, string description, string example, CliContext context, bool needsData, bool takesMaps)
        : base(name, description, example, context)
    {
        const string what = "Images to measure with; accuracy needs labels.";
        _data = needsData
            ? CommonOptions.RequiredPath("--data", what, "IMAGES")
            : CommonOptions.Path("--data", what + " [default: those of the calibration]", "IMAGES");
        _model = new ModelOptionSet(this, "MODEL", takesQuantized: false);
        foreach (Option option in (Option[])[_calibration, _data, _images, _limit, _batch, _seed, _threads, _dryRun])
            Options.Add(option);
        if (takesMaps)
            Options.Add(_labels);
        _imageOptions = new ImageOptionSet(this);
    }

    /// <summary>The parts of a list with commas, each once.</summary>
    protected static string[] Parts(string text) =>
        [.. text.Split(',', StringSplitOptions.TrimEntries).Distinct()];

    /// <summary>Whether only a plan is wanted.</summary>
    protected bool IsDryRun(ParseResult arguments) => arguments.GetValue(_dryRun);

    /// <summary>Whether the user says how many images of the data are wanted.</summary>
    protected bool HasLimit(ParseResult arguments) => arguments.GetValue(_limit) is not null;

    /// <summary>How many threads compute; 0 for one on each processor.</summary>
    protected int Threads(ParseResult arguments) => arguments.GetValue(_threads) ?? 0;

    /// <summary>The paths of all images and labels.</summary>
    protected IEnumerable<string?> InputPaths(ParseResult arguments) =>
        ((Option<string?>[])[_calibration, _data, _labels]).Select(arguments.GetValue);

    /// <summary>Images at once.</summary>
    protected int Batch(ParseResult arguments) => arguments.GetValue(_batch);

    /// <summary>The seed of random numbers.</summary>
    protected int Seed(ParseResult arguments) => arguments.GetValue(_seed);

    /// <summary>Loads the float model.</summary>
    /// <exception cref="BitisException">The model cannot be used, or is quantized.</exception>
    protected LoadedModel LoadFloat(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        LoadedModel model = LoadModel(_model.Reference(arguments), _model.Options(arguments), progress);
        return model.Float is not null
            ? model
            : throw BitisException.InFile(
                model.Reference, "this model is already quantized; give the checkpoint that it was made from.");
    }

    /// <summary>Opens the images of the calibration and those to measure with.</summary>
    /// <exception cref="BitisException">The images cannot be used.</exception>
    protected ChoosingImages OpenImages(
        ParseResult arguments, LoadedModel model, IProgress<WorkProgress> progress)
    {
        string path = arguments.GetRequiredValue(_calibration)!;
        ImageSource calibration = _imageOptions.Open(arguments, path, this, Context.Cancellation);
        ImageSource? data = null;
        try
        {
            int seed = Seed(arguments), threads = Threads(arguments);
            ImageSource drawn = calibration.Take(arguments.GetValue(_images), seed);
            (drawn, _) = _imageOptions.Usable(arguments, drawn, threads, this, progress, Context.Cancellation);
            CalibrationSet set = model.Config is IDenseConfig
                ? CalibrationSet.FromWindows(drawn, model.Preprocessing, drawn.Count, seed, Windows(arguments, model))
                : CalibrationSet.FromImages(
                    drawn, model.Preprocessing, drawn.Count, batchSize: Batch(arguments), threads: threads);
            string? dataPath = arguments.GetValue(_data);
            data = dataPath is null ? null : _imageOptions.Open(arguments, dataPath, this, Context.Cancellation);
            ImageSource measured = data is null
                ? drawn
                : arguments.GetValue(_limit) is { } limit ? data.Take(limit, seed) : data;
            if (arguments.GetValue(_labels) is { } labels)
            {
                measured = model.Config is IDenseConfig
                    ? measured.WithPixelLabels(labels)
                    : throw new BitisException("--labels is for models that segment. Leave the option out.");
            }
            if (data is not null)
            {
                (measured, _) = _imageOptions.Usable(
                    arguments, measured, threads, this, progress, Context.Cancellation);
            }
            return new ChoosingImages(calibration, drawn, set, data, measured);
        }
        catch
        {
            data?.Dispose();
            calibration.Dispose();
            throw;
        }
    }

    private int Windows(ParseResult arguments, LoadedModel model)
    {
        int batch = Batch(arguments);
        double share = (double)UsualSize / model.Config.ImageSize;
        return Math.Clamp((int)(batch * share * share), 1, batch);
    }
}
