using System.CommandLine;
using Bitis.Cli.Input;
using Bitis.Cli.Output;
using Bitis.Cli.Output.Parts;
using Bitis.Cli.Output.Results;
using Bitis.Cli.Runtimes;
using Bitis.Data.Decoding;
using Bitis.Files;
using Bitis.Onnx.Exporting;
using Bitis.Onnx.Reading;
using Bitis.Onnx.Writing;

namespace Bitis.Cli.Commands;

/// <summary><c>bitis export</c>: writes a model as an ONNX file, and compares it with ours in ONNX Runtime.</summary>
internal sealed class ExportCommand : BitisCommand
{
    private const string Loop = "loop", LinearAttention = "linear-attention";

    private readonly ModelOptionSet _model;
    private readonly Option<string?> _output = CommonOptions.RequiredPath(
        "--output", "The ONNX file to write; an existing file is replaced.", "OUT.onnx");

    private readonly Option<int> _opset = CommonOptions.Number(
        "--opset", $"The version of ONNX's operators, {OnnxOptions.FirstOpset} to {OnnxOptions.LastOpset}; "
        + $"{OnnxOptions.AttentionOpset} with --scan {LinearAttention}, as an experiment.",
        OnnxOptions.Default.Opset, minimum: 1);

    private readonly Option<string?> _scan = CommonOptions.Parsed<string?>(
        "--scan",
        $"How scans are written: {Loop} runs everywhere; {LinearAttention} is an operator of ONNX Runtime, for GPUs "
        + $"and browsers. [default: {Loop}]",
        ParseScan,
        $"{Loop}|{LinearAttention}");

    private readonly Option<bool> _preprocessing = new("--with-preprocessing")
    {
        Description = "The file takes bytes, [batch, size, size, channels], and normalizes them itself. It does not "
            + "resize images: runtimes do so differently.",
    };

    private readonly Option<string?> _check = CommonOptions.Path(
        "--check", "Images to run the file with, in ONNX Runtime and beside Bitis.", "IMAGES");

    private readonly Option<int?> _images = CommonOptions.OptionalNumber(
        "--images", "How many images to check, drawn at random; by default all.");
    private readonly Option<int> _seed = CommonOptions.Seed();
    private readonly Option<string?> _library = CommonOptions.Path(
        "--onnxruntime",
        "The native library of ONNX Runtime (libonnxruntime.so, onnxruntime.dll). [default: searched as the system "
        + "does]",
        "FILE");

    private readonly Option<int?> _threads = CommonOptions.Threads();
    private readonly ImageOptionSet _imageOptions;

    /// <summary>Creates the command.</summary>
    public ExportCommand(CliContext context)
        : base(
            "export",
            "Writes a float or quantized model as an ONNX file for other runtimes, and says how well it agrees there.",
            "bitis export vim.bitis -o vim.onnx --check photos/",
            context)
    {
        _output.Aliases.Add("-o");
        _model = new ModelOptionSet(this, "MODEL");
        Option[] options = [_output, _opset, _scan, _preprocessing, _check, _images, _seed, _library, _threads];
        foreach (Option option in options)
            Options.Add(option);
        _imageOptions = new ImageOptionSet(this);
    }

    /// <inheritdoc />
    protected override ICommandResult Run(ParseResult arguments, IProgress<WorkProgress> progress)
    {
        string output = arguments.GetRequiredValue(_output)!;
        string? check = arguments.GetValue(_check), library = arguments.GetValue(_library);
        using OutputTarget target = OutputTarget.Resolve(output);
        target.RequireWritable();
        target.RequireOtherThan(check, library);
        var options = new OnnxOptions
        {
            Opset = arguments.GetValue(_opset),
            UsesLinearAttention = arguments.GetValue(_scan) == LinearAttention,
            TakesBytes = arguments.GetValue(_preprocessing),
        };
        options.Validate();
        RequireCheckFor(arguments, check, _images, _library);
        if (check is not null && target.IsStream)
        {
            throw BitisException.InFile(
                output, "a device or a pipe cannot be read again for --check; give a file name.");
        }

        bool canCheck = check is not null && OnnxRuntimeLibrary.TryUse(library);
        LoadedModel model = LoadModel(_model.Reference(arguments), _model.Options(arguments), progress);
        target.RequireOtherThan(model.Files);
        using ImageSource? source = check is null
            ? null
            : _imageOptions.Open(arguments, check, this, Context.Cancellation);
        ExportedModel exported = model.Quantized is { } quantized
            ? QuantizedExport.Build(quantized, options)
            : FloatExport.Build(model.Float!, options);
        long length = OnnxFile.Write(exported, output, Context.Cancellation);
        if (target.Notice is { } notice)
            Warn(notice);
        if (!target.IsStream && !OnnxReader.IsNamedOnnx(output))
            Warn($"{output}: runtimes and Bitis know ONNX files by names that end in .onnx.");
        if (options.Opset == OnnxOptions.AttentionOpset)
        {
            Warn(
                $"Opset {options.Opset} is an experiment. ONNX Runtime 1.31 reads such a file only with "
                + "ALLOW_RELEASED_ONNX_OPSET_ONLY=0 in its environment.");
        }
        Parity? parity = canCheck ? CompareWritten(arguments, model, output, options, source!, progress) : null;
        string? note = parity is not null ? null
            : check is null ? "unchecked; --check IMAGES runs the file in ONNX Runtime"
            : "unchecked: there is no native library of ONNX Runtime here; give it by --onnxruntime FILE";
        return new ExportResult(
            output, model.Reference, model.KindIn("float32"), options.Opset, length, model.FileLength,
            exported.Layers.Count == 0 ? null : ArithmeticSummary.Of(exported.Layers), exported.NarrowLayers,
            exported.QuantizedScans, parity, note);
    }

    /// <summary>Compares, and says after a failure that the file is there.</summary>
    private Parity CompareWritten(
        ParseResult arguments, LoadedModel model, string output, OnnxOptions options, ImageSource source,
        IProgress<WorkProgress> progress)
    {
        try
        {
            return Compare(arguments, model, output, options, source, progress);
        }
        catch (BitisException e)
        {
            throw new BitisException($"{output}: was written, but not compared: {e.Message}", e);
        }
        catch (OperationCanceledException e) when (Context.Cancellation.IsCancellationRequested)
        {
            throw new BitisException($"{output}: was written; its comparison was cancelled.", e);
        }
    }

    private Parity Compare(
        ParseResult arguments, LoadedModel model, string output, OnnxOptions options, ImageSource source,
        IProgress<WorkProgress> progress)
    {
        int threads = arguments.GetValue(_threads) ?? 0;
        ImageSource images = arguments.GetValue(_images) is { } count
            ? source.Take(count, arguments.GetValue(_seed))
            : source;
        (images, int skipped) = _imageOptions.Usable(arguments, images, threads, this, progress, Context.Cancellation);
        using var ours = new ParitySession(model, new SessionOptions { Threads = threads }, Context.Cancellation);
        using var theirs = new OnnxRuntimeModel(output, ours.Threads);
        Parity parity = new ParityMeasurement(ours, theirs, options.TakesBytes)
            .Run(images, skipped, progress, Context.Cancellation);
        WarnOfDamaged(images);
        return parity;
    }

    /// <summary>Refuses options that only a comparison reads.</summary>
    private static void RequireCheckFor(ParseResult arguments, string? check, params ReadOnlySpan<Option> options)
    {
        foreach (Option option in options)
        {
            if (check is null && arguments.GetResult(option) is { Implicit: false })
                throw new BitisException($"{option.Name} is for --check, which is not given.");
        }
    }

    private static string ParseScan(string text) => text is Loop or LinearAttention
        ? text
        : throw new BitisException($"--scan takes {Loop} or {LinearAttention}, not '{text}'.");
}
