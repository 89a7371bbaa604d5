using Bitis.Data.Decoding;
using Bitis.Evaluation;
using Bitis.Models;
using Bitis.Onnx.Reading;

namespace Bitis.Cli.Input;

/// <summary>A model on a command line: float or quantized.</summary>
internal sealed class LoadedModel
{
    private LoadedModel(string reference, string path, VisionModel? original, QuantizedModel? quantized)
    {
        Reference = reference;
        Path = path;
        Files = original?.Files ?? [path];
        FileLength = Files.Sum(file => new FileInfo(file).Length);
        Float = original;
        Quantized = quantized;
    }

    /// <summary>The model as the user named it.</summary>
    public string Reference { get; }

    /// <summary>The file on this machine.</summary>
    public string Path { get; }

    /// <summary>The files of the model: this one, or an index and the files that it names.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>The size of all files in bytes.</summary>
    public long FileLength { get; }

    /// <summary>The float32 model, if it is one.</summary>
    public VisionModel? Float { get; }

    /// <summary>The quantized model, if it is one.</summary>
    public QuantizedModel? Quantized { get; }

    /// <summary>The architecture.</summary>
    public ModelConfig Config => Quantized?.Config ?? Float!.Config;

    /// <summary>How images become its input.</summary>
    public Preprocessing Preprocessing => Quantized?.Preprocessing ?? Float!.Preprocessing;

    /// <summary>The classes' names, by index; null if unknown.</summary>
    public IReadOnlyList<string>? ClassNames => Quantized is not null ? Quantized.ClassNames : Float!.ClassNames;

    /// <summary>What users should know about how the file was read (<see cref="VisionModel.Notices"/>).</summary>
    public IReadOnlyList<string> Notices => Float?.Notices ?? [];

    /// <summary>The family and the number format in a session: <c>Vim, w8a8 (mse)</c>.</summary>
    /// <param name="floats">The numbers of a session of a float model.</param>
    public string KindIn(string floats) =>
        $"{Config.Family}, " + (Quantized is not { } q ? floats
            : $"{q.Recipe.Bits} ({q.Recipe.Method})" + (floats == "float32" ? "" : $", {floats} besides"));

    /// <summary>Loads models that share options. The key of the weights applies to checkpoints only.</summary>
    /// <param name="references">The models; null is skipped.</param>
    /// <param name="options">What the user specifies beside the files.</param>
    /// <param name="progress">Receives the progress of downloads.</param>
    /// <param name="cancellationToken">Ends downloads.</param>
    /// <exception cref="BitisException">
    /// A model cannot be used, or contradicts the options, or none has weights under the key.
    /// </exception>
    public static IReadOnlyList<LoadedModel> LoadAll(
        IEnumerable<string?> references,
        ModelOptions options,
        IProgress<WorkProgress> progress,
        CancellationToken cancellationToken)
    {
        LoadedModel[] models =
            [.. references.OfType<string>().Select(name => LoadOne(name, options, progress, cancellationToken))];
        return options.WeightsKey is null || models.Any(model => model.Float is not null)
            ? models
            : throw BitisException.InFile(
                models[0].Reference,
                "--weights-key is for checkpoints; a quantized model has one set of weights. Leave the option out.");
    }

    private static LoadedModel LoadOne(
        string reference, ModelOptions options, IProgress<WorkProgress> progress, CancellationToken cancellationToken)
    {
        string path = ModelReference.Resolve(reference, progress, cancellationToken);
        if (OnnxReader.IsNamedOnnx(path))
        {
            VisionModel exported = OnnxModel.Load(path, cancellationToken);
            options.RequireAgreement(reference, exported.Config);
            return new LoadedModel(reference, path, exported, quantized: null);
        }
        if (!QuantizedModel.IsQuantized(path))
        {
            return new LoadedModel(
                reference, path, VisionModel.Load(path, options, cancellationToken), quantized: null);
        }

        QuantizedModel quantized = QuantizedModel.Load(path, cancellationToken);
        options.RequireAgreement(reference, quantized.Config);
        return new LoadedModel(reference, path, original: null, quantized);
    }

    /// <summary>Creates a session of the model.</summary>
    /// <param name="options">How to use the machine.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public InferenceSession CreateSession(SessionOptions options, CancellationToken cancellationToken) =>
        Quantized is not null
            ? InferenceSession.Create(Quantized, options, cancellationToken)
            : InferenceSession.Create(Float!, options, cancellationToken);

    /// <summary>Creates a session whose time is measured.</summary>
    /// <param name="options">How to use the machine.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public MeasuredSession CreateMeasured(SessionOptions options, CancellationToken cancellationToken) =>
        Quantized is not null
            ? new MeasuredSession(Quantized, options, cancellationToken)
            : new MeasuredSession(Float!, options, cancellationToken);

    /// <summary>Creates a session of a model that segments.</summary>
    /// <param name="options">How to use the machine.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="BitisException">The model is a classifier.</exception>
    public SegmentationSession CreateSegmentation(SessionOptions options, CancellationToken cancellationToken) =>
        Quantized is not null
            ? SegmentationSession.Create(Quantized, options, cancellationToken)
            : SegmentationSession.Create(Float!, options, cancellationToken);
}
