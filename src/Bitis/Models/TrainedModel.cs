using System.Text.Json;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Json;

namespace Bitis.Models;

/// <summary>Reads the model in the checkpoint of a training.</summary>
internal static class TrainedModel
{
    private const string Advice = "Use a copy of it, or a model that the training saved";

    /// <summary>Checks that a set of weights was chosen, and that the file matches its digest.</summary>
    /// <param name="file">The file.</param>
    /// <param name="cancellationToken">Ends the reading between two tensors.</param>
    /// <exception cref="BitisException">No set was chosen, or the file does not match.</exception>
    public static void Verify(Checkpoint file, CancellationToken cancellationToken)
    {
        if (file.WeightsKey is not (TrainingFile.Weights or TrainingFile.Average))
        {
            throw BitisException.InFile(
                file.Path,
                $"this is the checkpoint of a training, with two sets of weights; {TrainingFile.ChoiceOfWeights}");
        }
        using Checkpoint whole = Checkpoint.Open(file.Path);
        TrainingFile.Verify(whole, Advice, cancellationToken);
    }

    /// <summary>Reads the description of the model from the metadata.</summary>
    /// <exception cref="BitisException">
    /// The metadata are damaged or of a later version; the message does not name the file.
    /// </exception>
    public static ModelDescription ReadDescription(IReadOnlyDictionary<string, string> metadata)
    {
        string version = metadata[TrainingFile.FormatKey];
        if (version != TrainingFile.FormatVersion)
        {
            throw new BitisException(
                $"this is a training checkpoint of format {DisplayText.Of(version)}; "
                + $"this version of Bitis reads format {TrainingFile.FormatVersion}.");
        }
        if (!metadata.TryGetValue(TrainingFile.IdentityKey, out string? identity))
            throw new BitisException($"the metadata have no '{TrainingFile.IdentityKey}'.");
        try
        {
            using var json = JsonDocument.Parse(identity, new() { MaxDepth = StrictJson.MaxDepth });
            return ModelDescription.Read(Entries(json.RootElement));
        }
        catch (JsonException e)
        {
            throw new BitisException(
                $"the metadata's '{TrainingFile.IdentityKey}' cannot be read: {DisplayText.Of(e.Message)}.", e);
        }
    }

    /// <summary>The identity's values, by their names in the metadata of models.</summary>
    private static Dictionary<string, string> Entries(JsonElement identity)
    {
        var entries = new Dictionary<string, string>();
        Add("config", ModelDescription.ConfigKey);
        Add("preprocessing", ModelDescription.PreprocessingKey);
        Add("classNames", ModelDescription.ClassNamesKey);
        if (entries.ContainsKey(ModelDescription.ConfigKey) && !entries.ContainsKey(ModelDescription.PreprocessingKey))
        {
            ModelConfig config = MetadataJson.Read(entries, ModelDescription.ConfigKey, ModelJson.Default.ModelConfig);
            config.Validate();
            entries[ModelDescription.PreprocessingKey] = JsonSerializer.Serialize(
                Preprocessing.ForSize(config.ImageSize, config.ImageChannels), ModelJson.Default.Preprocessing);
        }
        return entries;

        void Add(string property, string key)
        {
            if (identity.ValueKind == JsonValueKind.Object
                && identity.TryGetProperty(property, out JsonElement value)
                && value.ValueKind != JsonValueKind.Null)
            {
                entries.Add(key, value.GetRawText());
            }
        }
    }
}
