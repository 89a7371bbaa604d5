using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Tensors;

namespace Bitis.Training.Loop;

/// <summary>The state of a training in one safetensors file, from which it resumes exactly.</summary>
/// <remarks>
/// The tensors are those of <see cref="TrainingState.Tensors"/>. The metadata hold the identity and the position as
/// JSON. They also hold a digest of both and of the tensors' names and bytes.
/// </remarks>
internal sealed class TrainingCheckpoint
{
    private const string Advice = "Use a copy of it, or train anew in another folder";

    private readonly string _path;

    private TrainingCheckpoint(string path, TrainingIdentity identity, TrainingPosition position)
    {
        _path = path;
        Identity = identity;
        Position = position;
    }

    /// <summary>The identity of the training.</summary>
    public TrainingIdentity Identity { get; }

    /// <summary>The position of the training.</summary>
    public TrainingPosition Position { get; }

    /// <summary>Writes a checkpoint. An older one stays unchanged until the new one is complete.</summary>
    /// <exception cref="BitisException">The file cannot be written.</exception>
    public static void Save(string path, TrainingIdentity identity, TrainingState state)
    {
        SafetensorsTensor[] tensors =
        [
            .. state.Tensors.Select(entry => new SafetensorsTensor(
                entry.Name, DType.Float32, entry.FloatTensor.Shape,
                MemoryMarshal.AsBytes(entry.FloatTensor.Span).ToArray())),
        ];
        string identityText = JsonSerializer.Serialize(identity, TrainingJson.Default.TrainingIdentity);
        string positionText = JsonSerializer.Serialize(state.Position, TrainingJson.Default.TrainingPosition);
        var metadata = new Dictionary<string, string>
        {
            [TrainingFile.FormatKey] = TrainingFile.FormatVersion,
            [TrainingFile.IdentityKey] = identityText,
            [TrainingFile.PositionKey] = positionText,
            [ContentDigest.Key] = TrainingFile.Digest(
                identityText, positionText, tensors.Select(tensor => (tensor.Name, tensor.Bytes))),
        };
        SafetensorsWriter.Write(path, tensors, metadata);
    }

    /// <summary>Reads the metadata of a checkpoint.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Ends the comparison with its digest.</param>
    /// <exception cref="BitisException">The file is not the checkpoint of a training, or damaged.</exception>
    public static TrainingCheckpoint Open(string path, CancellationToken cancellationToken = default)
    {
        using Checkpoint file = Checkpoint.Open(path);
        string? version = file.Metadata.GetValueOrDefault(TrainingFile.FormatKey);
        if (version != TrainingFile.FormatVersion)
        {
            throw BitisException.InFile(path, version is null
                ? "this is not the checkpoint of a training. "
                    + "Resume with the folder that 'bitis train' or 'bitis finetune' wrote."
                : $"this is a training checkpoint of format {version}; "
                    + $"this version of Bitis reads format {TrainingFile.FormatVersion}. "
                    + "Resume with the version of Bitis that wrote it, or train anew in another folder.");
        }
        TrainingFile.Verify(file, Advice, cancellationToken);
        return new TrainingCheckpoint(
            path,
            Read(file, TrainingFile.IdentityKey, TrainingJson.Default.TrainingIdentity),
            Read(file, TrainingFile.PositionKey, TrainingJson.Default.TrainingPosition));
    }

    /// <summary>Restores the state of a training of the same identity.</summary>
    /// <param name="state">The state of a new training.</param>
    /// <param name="epochs">How many epochs the training has.</param>
    /// <param name="stepsPerEpoch">How many steps an epoch has.</param>
    /// <exception cref="BitisException">
    /// A tensor or the position does not belong to this training, or a weight is not finite.
    /// </exception>
    public void Restore(TrainingState state, int epochs, int stepsPerEpoch)
    {
        try
        {
            Position.Validate(epochs, stepsPerEpoch);
        }
        catch (BitisException e)
        {
            throw new BitisException($"{_path}: {e.Message} {Advice}.", e);
        }
        using Checkpoint file = Checkpoint.Open(_path);
        Dictionary<string, CheckpointEntry> entries = file.Entries.ToDictionary(entry => entry.Name);
        foreach ((string name, FloatTensor tensor) in state.Tensors)
        {
            // The digest covers names and bytes, not types and shapes.
            if (!entries.Remove(name, out CheckpointEntry? entry) || entry.DType != DType.Float32
                || entry.Shape != tensor.Shape)
            {
                string found = entry is null ? "missing" : $"{entry.DType} {entry.Shape}";
                throw BitisException.InFile(
                    _path, $"tensor '{name}' is {found}; the model needs {DType.Float32} {tensor.Shape}. {Advice}.");
            }
            FloatTensor saved = file.Read(name);
            // the square of a gradient may be infinite
            bool isMoment = name.StartsWith("moment", StringComparison.Ordinal);
            if (!isMoment && saved.FindNonFinite() is { } index)
            {
                throw BitisException.InFile(
                    _path,
                    $"tensor '{name}' holds {saved.Span[index]} at element {index}: nothing can be learned from here. "
                    + $"{Advice}.");
            }
            saved.Span.CopyTo(tensor.Span);
        }
        if (entries.Count > 0)
        {
            throw BitisException.InFile(
                _path, $"tensor '{entries.Keys.First()}' belongs to nothing in this training. {Advice}.");
        }
        state.Position = Position;
    }

    private static T Read<T>(Checkpoint file, string key, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return MetadataJson.Read(file.Metadata, key, type);
        }
        catch (BitisException e)
        {
            throw new BitisException($"{file.Path}: {e.Message} {Advice}.", e);
        }
    }
}
