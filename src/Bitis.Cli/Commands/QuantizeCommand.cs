using System.CommandLine;
using System.Diagnostics;
using Bitis.Cli.Input;
using Bitis.Cli.Output;
using Bitis.Cli.Output.Parts;
using Bitis.Cli.Output.Progress;
using Bitis.Cli.Output.Results;
using Bitis.Data.Decoding;
using Bitis.Evaluation;
using Bitis.Files;
using Bitis.Graphs.Fusion;
using Bitis.Models.Segmentation;
using Bitis.Quantization.Recipes;
using Bitis.Reconstruction;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis quantize</c>: quantizes a checkpoint with calibration images.</summary>
internal sealed class QuantizeCommand : BitisCommand
{
    /// <summary>The size of images for which the usual batch is meant, in pixels.</summary>
    private const int UsualSize = 224;

    private readonly ModelOptionSet _model;
    private readonly RecipeOptionSet _recipe;
    private readonly ImageOptionSet _imageOptions;
    private readonly Option<string?> _calibration = CommonOptions.RequiredPath(
        "--calibration", "Images to calibrate with; labels are not needed. "
        + "A folder, a zip or tar archive, CIFAR or IDX files.", "IMAGES");

    private readonly Option<string?> _output = CommonOptions.RequiredPath(
        "--output", "The quantized model to write; an existing file is replaced.", "OUT.bitis");

    private readonly Option<int> _images =
        CommonOptions.Number(
            "--images", "How many images to calibrate with, drawn at random.", CalibrationSet.UsualImages, minimum: 1);

    private readonly Option<int> _batch = CommonOptions.Number(
        "--batch", "Images in a batch; changes memory and time, not the result.", 16, minimum: 1);
    private readonly Option<int> _seed = CommonOptions.Seed();
    private readonly Option<int?> _threads = CommonOptions.Threads();
    private readonly Option<bool> _dryRun = CommonOptions.DryRun();
    private readonly Option<string?> _classes = CommonOptions.Path(
        "--classes",
        "A text file of class names, one on each line, in the order of the model's outputs; OUT.bitis keeps them.",
        "FILE");


    /// <summary>Creates the command.</summary>
    public QuantizeCommand(CliContext context)
        : base(
            "quantize",
            "Quantizes a checkpoint to 8 bits or fewer. Methods that learn keep finished blocks in OUT.bitis.work "
            + "until the end, so that the same command resumes there.",
            "bitis quantize vim_t.pth --calibration photos/ --method ptq4vm+ --bits w4a4 -o vim.bitis",
            context)
    {
        _output.Aliases.Add("-o");
        _model = new ModelOptionSet(this, "MODEL");
        Options.Add(_calibration);
        Options.Add(_output);
        _recipe = new RecipeOptionSet(this);
        Options.Add(_images);
        Options.Add(_batch);
        Options.Add(_seed);
        Options.Add(_threads);
        Options.Add(_classes);
        Options.Add(_dryRun);
        _imageOptions = new ImageOptionSet(this);
    }

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        string output = arguments.GetRequiredValue(_output)!;
        using OutputTarget target = OutputTarget.Resolve(output);
        target.RequireWritable();
        Recipe recipe = _recipe.Read(arguments);
        recipe.Validate();
        if (_recipe.NoteOnBits(arguments, recipe) is { } note)
            Warn(note);
        string calibration = arguments.GetRequiredValue(_calibration)!;
        target.RequireOtherThan(calibration, _recipe.File(arguments));
        // A device or a pipe has no folder for finished blocks.
        string? workFolder = target.IsStream || !PostTrainingQuantizer.KeepsWork(recipe) ? null : $"{output}.work";
        if (workFolder is not null)
            OutputFolder.RequireWritable(workFolder, "the folder for finished blocks");
        long started = Stopwatch.GetTimestamp();
        LoadedModel model = LoadModel(_model.Reference(arguments), _model.Options(arguments), progress);
        target.RequireOtherThan(model.Files);
        if (model.Float is null)
        {
            throw BitisException.InFile(
                model.Reference, "this model is already quantized; give the checkpoint that it was made from.");
        }

        if (arguments.GetValue(_classes) is not null)
            model.Config.RequireClasses();
        VisionModel floats = arguments.GetValue(_classes) is { } file
            ? model.Float.WithClassNames(ClassNamesFile.Load(file, model.Config.Classes))
            : model.Float;

        // Reports an override that matches nothing before the images are read.
        recipe.Select(NormFolding.OfAnswer(model.Float.Graph).Graph);

        using ImageSource source = _imageOptions.Open(arguments, calibration, this, Context.Cancellation);
        int wanted = arguments.GetValue(_images);
        ImageSource images = source.Take(wanted, arguments.GetValue(_seed));
        if (images.Count < wanted)
            Warn(TooFew(source, wanted, isAskedFor: arguments.GetResult(_images) is { Implicit: false }));

        int threads = arguments.GetValue(_threads) ?? 0;
        (images, int skipped) = _imageOptions.Usable(arguments, images, threads, this, progress, Context.Cancellation);
        int batch = arguments.GetValue(_batch);
        CalibrationSet calibrationSet = model.Config is IDenseConfig
            ? CalibrationSet.FromWindows(
                images, model.Preprocessing, images.Count, arguments.GetValue(_seed), WindowsAtOnce(arguments, model))
            : CalibrationSet.FromImages(images, model.Preprocessing, images.Count, batchSize: batch, threads: threads);
        if (arguments.GetValue(_dryRun))
        {
            return DryRunResult.For(
                model,
                [
                    $"quantize with {DisplayText.Count(images.Count, "image")}, method {recipe.Method}",
                    $"write {output}",
                ],
                answers: 0, images.Count * DryRunResult.Passes(recipe, images.Count), threads, Context.Cancellation);
        }
        var blocks = new BlockLog(this);
        var options = new QuantizationOptions
        {
            Threads = threads,
            Progress = progress,
            WorkFolder = workFolder,
            Blocks = blocks,
        };
        QuantizedModel quantized;
        try
        {
            quantized = PostTrainingQuantizer.Quantize(
                floats, calibrationSet, recipe, options, Context.Cancellation);
        }
        catch (OperationCanceledException e) when (workFolder is not null && blocks.Records.Count > 0)
        {
            int done = blocks.Records.Count;
            throw new BitisException(
                $"{workFolder}: cancelled; {DisplayText.Count(done, "finished block")} "
                + $"{(done == 1 ? "is" : "are")} kept here, and the same command resumes from there.",
                e);
        }
        Context.Cancellation.ThrowIfCancellationRequested();
        WarnOfDamaged(images);
        if (target.Notice is { } notice)
            Warn(notice);
        long fileBytes = quantized.Save(output, Context.Cancellation);
        if (workFolder is not null)
            PostTrainingQuantizer.DeleteWork(workFolder);
        string? classes = ClassMap.Describe(images, model.Config.Classes, floats.ClassNames);
        TimeSpan time = Stopwatch.GetElapsedTime(started);
        string[] given = [.. _model.Given(arguments), .. _imageOptions.Given(arguments)];
        string? next = target.IsStream
            ? null
            : CommandText.Of(
            [
                "bitis", "eval", output, "--data", "IMAGES",
                .. model.Config is IDenseConfig
                    ? (string[])["--labels", "FOLDER"]
                    : ["--baseline", model.Reference],
                .. given,
            ]);
        return Summarize(model, quantized, skipped, classes, blocks.Records, output, fileBytes, time, next);
    }

    /// <summary>The windows in a batch: as many as asked for, or as have the pixels of a usual batch.</summary>
    private int WindowsAtOnce(ParseResult arguments, LoadedModel model)
    {
        int batch = arguments.GetValue(_batch);
        if (arguments.GetResult(_batch) is { Implicit: false })
            return batch;
        double share = (double)UsualSize / model.Config.ImageSize;
        return Math.Clamp((int)(batch * share * share), 1, batch);
    }

    private static string TooFew(ImageSource source, int wanted, bool isAskedFor)
    {
        string expected = isAskedFor ? $"{wanted} were asked for" : $"{wanted} are usual (--images)";
        return $"{source.Description}: only {DisplayText.Count(source.Count, "image")} to calibrate with; {expected}.";
    }

    private static QuantizeResult Summarize(
        LoadedModel model,
        QuantizedModel quantized,
        int skipped,
        string? classes,
        IReadOnlyList<BlockRecord> blocks,
        string output,
        long fileBytes,
        TimeSpan time,
        string? next) =>
        new(
            output,
            model.Reference,
            quantized.Config.Family,
            quantized.Recipe,
            quantized.Calibration,
            skipped,
            classes,
            LayerSummary.Of(quantized),
            quantized.Scans.Count,
            new SiteSelection(quantized.Recipe, quantized.Graph).LeftAlone,
            blocks,
            fileBytes,
            model.Float!.WeightBytes,
            time.TotalSeconds,
            PeakMemory(),
            next);

    /// <summary>The process's peak memory in bytes; null if the system does not tell it.</summary>
    private static long? PeakMemory()
    {
        try
        {
            return Process.GetCurrentProcess().PeakWorkingSet64;
        }
        catch (InvalidOperationException)
        {
            // .NET reads it from a file, and says "Process has exited" if no more files can be opened. The model is
            // already written.
            return null;
        }
    }

    /// <summary>Collects the records of blocks, and warns of failed ones.</summary>
    private sealed class BlockLog(QuantizeCommand command) : IProgress<BlockRecord>
    {
        public List<BlockRecord> Records { get; } = [];

        public void Report(BlockRecord value)
        {
            Records.Add(value);
            if (value.Warning is not null)
                command.Warn(value.Warning);
        }
    }
}
