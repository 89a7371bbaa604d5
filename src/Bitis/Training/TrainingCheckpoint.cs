using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Bitis.Checkpoints;
using Bitis.Tensors;

namespace Bitis.Training;

/// <summary>
/// The file that a training resumes from: a safetensors file with the weights, their average and the optimizer's moments;
/// the metadata hold the recipe, the architecture, the data and how far the training has come.
/// </summary>
internal static class TrainingCheckpoint
{
    private const string FormatKey = "bitis_training", FormatVersion = "1";
    private const string RecipeKey = "recipe", ConfigKey = "config", DataKey = "data";

    /// <summary>Writes the state of a trainer; an older file is replaced only when the new one is complete.</summary>
    public static void Save(Trainer trainer, string path)
    {
        var tensors = new List<SafetensorsTensor>();
        foreach ((string name, Tensor tensor) in Tensors(trainer))
            tensors.Add(new SafetensorsTensor(name, DType.Float32, tensor.Shape, MemoryMarshal.AsBytes(tensor.Span).ToArray()));
        Dictionary<string, string> metadata = Identity(trainer);
        metadata[FormatKey] = FormatVersion;
        metadata["step"] = trainer.Step.ToString();
        metadata["epoch_sums"] = JsonSerializer.Serialize(trainer.Sums, TrainingJson.Default.EpochSums);
        metadata["history"] = JsonSerializer.Serialize(trainer.History, TrainingJson.Default.IReadOnlyListEpochRecord);
        SafetensorsWriter.Write(path, tensors, metadata);
    }

    /// <summary>Reads a state into a trainer of the same model, data and recipe.</summary>
    /// <exception cref="BitisException">The file is damaged or is that of another training; the message names the difference.</exception>
    public static void Restore(Trainer trainer, string path)
    {
        using Checkpoint file = Checkpoint.Open(path);
        string? version = file.Metadata.GetValueOrDefault(FormatKey);
        if (version != FormatVersion)
        {
            throw BitisException.InFile(path, version is null
                ? "this is not a training checkpoint; 'bitis train' writes them."
                : $"this is a training checkpoint of format {version}; this version of Bitis reads format {FormatVersion}.");
        }
        foreach ((string key, string expected) in Identity(trainer))
        {
            string? found = file.Metadata.GetValueOrDefault(key);
            if (found != expected)
            {
                throw BitisException.InFile(
                    path,
                    $"this training cannot be resumed with another {NameOf(key)}. The file has {found ?? "none"}; given was {expected}. "
                    + "Use the same command as at the start, or another output folder.");
            }
        }
        long step = long.TryParse(file.Metadata.GetValueOrDefault("step"), out long value) && value >= 0 && value <= trainer.Steps
            ? value
            : throw BitisException.InFile(path, "the number of steps is missing or impossible: the file is damaged.");
        EpochSums sums = ReadJson(file, "epoch_sums", TrainingJson.Default.EpochSums);
        IReadOnlyList<EpochRecord> history = ReadJson(file, "history", TrainingJson.Default.IReadOnlyListEpochRecord);

        // Nothing of the trainer is changed before all of the file has been read.
        Dictionary<string, Tensor> read = [];
        foreach ((string name, Tensor target) in Tensors(trainer))
        {
            if (!file.Entries.Any(entry => entry.Name == name && entry.Shape == target.Shape))
                throw BitisException.InFile(path, $"tensor '{name}' {target.Shape} is missing: the file is damaged.");
            read[name] = file.Read(name);
        }
        foreach ((string name, Tensor target) in Tensors(trainer))
            read[name].Span.CopyTo(target.Span);
        trainer.Restore(step, sums, history);
    }

    private static IEnumerable<(string Name, Tensor Tensor)> Tensors(Trainer trainer)
    {
        (string Prefix, IReadOnlyDictionary<string, Tensor> Tensors)[] groups =
        [
            ("weight/", trainer.Weights),
            ("average/", trainer.Average.Weights),
            ("moment1/", trainer.Optimizer.Moments1),
            ("moment2/", trainer.Optimizer.Moments2),
        ];
        return groups.SelectMany(group => group.Tensors.Select(pair => (group.Prefix + pair.Key, pair.Value)));
    }

    /// <summary>What must be the same to go on.</summary>
    private static Dictionary<string, string> Identity(Trainer trainer) => new()
    {
        [ConfigKey] = JsonSerializer.Serialize(trainer.Model.Config, TrainingJson.Default.ModelConfig),
        [RecipeKey] = JsonSerializer.Serialize(trainer.Recipe, TrainingJson.Default.TrainingRecipe),
        [DataKey] = trainer.Training.Description,
    };

    private static string NameOf(string key) => key switch
    {
        ConfigKey => "model",
        RecipeKey => "recipe",
        _ => "set of images",
    };

    private static T ReadJson<T>(Checkpoint file, string key, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(file.Metadata[key], type) ?? throw new JsonException();
        }
        catch (Exception e) when (e is KeyNotFoundException or JsonException)
        {
            throw new BitisException($"{file.Path}: the metadata entry '{key}' is missing or damaged.", e);
        }
    }
}
