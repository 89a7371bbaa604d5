using System.Runtime.InteropServices;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Models.Detection;
using Bitis.Tensors;

namespace Bitis.Models;

/// <summary>
/// A float32 model in a safetensors file: the tensors under their official names, so that any tool reads them as a
/// checkpoint, and what the names and shapes do not tell in the metadata (docs/file-format.md).
/// </summary>
internal static class VisionModelFile
{
    /// <summary>The entry of the metadata that quantized models have.</summary>
    internal const string QuantizedFormatKey = "bitis_format";

    private const string FormatKey = "bitis_model", FormatVersion = "2", OldVersion = "1";

    /// <summary>Whether a file's metadata describe the model.</summary>
    public static bool IsDescribed(IReadOnlyDictionary<string, string> metadata) =>
        metadata.ContainsKey(FormatKey) || TrainingFile.Recognizes(metadata);

    /// <summary>
    /// Whether the weights have the names of the graph's parameters, not those of official checkpoints.
    /// </summary>
    public static bool IsNamedByGraph(IReadOnlyDictionary<string, string> metadata) =>
        !metadata.ContainsKey(FormatKey) && TrainingFile.Recognizes(metadata);

    /// <summary>What a file's metadata say.</summary>
    /// <exception cref="BitisException">
    /// They are damaged, or of a later version. The message does not name the file.
    /// </exception>
    public static ModelDescription ReadDescription(IReadOnlyDictionary<string, string> metadata) =>
        IsNamedByGraph(metadata) ? TrainedModel.ReadDescription(metadata)
        : metadata[FormatKey] is FormatVersion or OldVersion
            ? ModelDescription.Read(metadata)
            : throw new BitisException(
                $"this is a model of format {metadata[FormatKey]}; this version of Bitis reads formats {OldVersion} "
                + $"and {FormatVersion}.");

    /// <summary>
    /// Makes sure that a file that describes itself is what was written: all of it; of the old format, the tensors'
    /// bytes.
    /// </summary>
    /// <remarks>Files that do not describe themselves have no digest, and pass.</remarks>
    /// <param name="file">The file.</param>
    /// <param name="cancellationToken">Ends the reading between two tensors.</param>
    /// <exception cref="BitisException">It is not, or only a part of it was opened.</exception>
    public static void Verify(Checkpoint file, CancellationToken cancellationToken)
    {
        if (file.Metadata.ContainsKey(QuantizedFormatKey))
        {
            throw BitisException.InFile(
                file.Path, "this is a quantized model, not a checkpoint; load it as one (QuantizedModel.Load).");
        }
        if (!IsDescribed(file.Metadata))
            return;
        if (IsNamedByGraph(file.Metadata))
        {
            TrainedModel.Verify(file, cancellationToken);
            return;
        }
        if (file.WeightsKey.Length > 0)
        {
            throw BitisException.InFile(
                file.Path, "--weights-key is for checkpoints; this model describes itself. Leave the option out.");
        }
        if (file.Metadata[FormatKey] == OldVersion)
            ContentDigest.VerifyFormat1(file, cancellationToken);
        else if (file.Metadata[FormatKey] == FormatVersion)
            ContentDigest.Verify(file, cancellationToken: cancellationToken);
    }

    /// <summary>What a file's metadata say besides: the notes of whoever made it.</summary>
    public static IReadOnlyDictionary<string, string> ReadNotes(IReadOnlyDictionary<string, string> metadata) =>
        IsNamedByGraph(metadata)
        ? new Dictionary<string, string>()
        : metadata.Where(entry => !IsReserved(entry.Key)).OrderBy(
            entry => entry.Key, StringComparer.Ordinal).ToDictionary();

    /// <summary>Writes a model.</summary>
    /// <exception cref="ArgumentException">A note has a name that the format uses.</exception>
    public static void Save(
        VisionModel model,
        string path,
        IReadOnlyDictionary<string, string> notes,
        CancellationToken cancellationToken)
    {
        foreach ((string name, FloatTensor weight) in model.Weights)
        {
            if (Checkpoint.FindNonFinite(weight) is not { } index)
                continue;
            throw BitisException.InFile(
                path, $"'{name}' holds {weight.Span[index]} at element {index}; only finite weights are written.");
        }
        SafetensorsTensor[] tensors =
        [
            .. new CheckpointLayout(model.Config, model.Graph).Join(model.Weights).OrderBy(
                pair => pair.Key, StringComparer.Ordinal).Select(pair => new SafetensorsTensor(
                pair.Key, DType.Float32, pair.Value.Shape, MemoryMarshal.AsBytes(pair.Value.Span).ToArray())),
        ];
        var metadata = new Dictionary<string, string> { [FormatKey] = FormatVersion };
        new ModelDescription(model.Config, model.Preprocessing, model.ClassNames).AddTo(metadata);
        foreach ((string name, string text) in notes)
        {
            if (IsReserved(name))
                throw new ArgumentException($"'{name}' is an entry of the format.", nameof(notes));
            metadata.Add(name, text);
        }
        metadata[ContentDigest.Key] = ContentDigest.Of(metadata, tensors);
        SafetensorsWriter.Write(path, tensors, metadata, cancellationToken);
    }

    private static bool IsReserved(string key) =>
        key is FormatKey or ContentDigest.Key || ModelDescription.Keys.Contains(key);
}
