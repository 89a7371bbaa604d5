using System.Reflection;
using System.Text.Json;
using Bitis.Checkpoints.Safetensors;

namespace Bitis.Models;

/// <summary>What a model file that Bitis wrote says about itself, besides the tensors (docs/file-format.md).</summary>
/// <param name="Config">The architecture.</param>
/// <param name="Preprocessing">How images become the model's input.</param>
/// <param name="ClassNames">The classes' names, by index; null if unknown.</param>
internal sealed record ModelDescription(
    ModelConfig Config, Preprocessing Preprocessing, IReadOnlyList<string>? ClassNames)
{
    /// <summary>The entries with the architecture, the preprocessing, and the classes' names.</summary>
    internal const string ConfigKey = "config", PreprocessingKey = "preprocessing", ClassNamesKey = "class_names";

    private const string ToolKey = "tool_version";

    /// <summary>The entries of the metadata that this writes.</summary>
    public static IReadOnlySet<string> Keys { get; } =
        new HashSet<string> { ToolKey, ConfigKey, PreprocessingKey, ClassNamesKey };

    /// <summary>Reads a file's metadata.</summary>
    /// <exception cref="BitisException">
    /// An entry is missing, damaged, or does not fit the others. The message does not name the file.
    /// </exception>
    public static ModelDescription Read(IReadOnlyDictionary<string, string> metadata)
    {
        ModelConfig config = MetadataJson.Read(metadata, ConfigKey, ModelJson.Default.ModelConfig);
        config.Validate();
        Preprocessing preprocessing = MetadataJson.Read(metadata, PreprocessingKey, ModelJson.Default.Preprocessing);
        preprocessing.Validate();
        if (preprocessing.CropSize != config.ImageSize)
        {
            throw new BitisException(
                $"the preprocessing makes images of {preprocessing.CropSize} pixels, the model takes "
                + $"{config.ImageSize}.");
        }

        if (preprocessing.Channels != config.ImageChannels)
        {
            string channels = DisplayText.Count(preprocessing.Channels, "channel");
            throw new BitisException(
                $"the preprocessing makes images of {channels}, the model takes {config.ImageChannels}.");
        }
        IReadOnlyList<string>? classNames = metadata.ContainsKey(ClassNamesKey)
            ? MetadataJson.Read(metadata, ClassNamesKey, ModelJson.Default.IReadOnlyListString)
            : null;
        if (classNames is not null && classNames.Count != config.Classes)
        {
            throw new BitisException(
                $"{DisplayText.Count(classNames.Count, "class name")} for "
                + $"{DisplayText.Count(config.Classes, "class")}; "
                + "one for each was expected.");
        }
        return new ModelDescription(config, preprocessing, classNames);
    }

    /// <summary>Adds the entries to a file's metadata.</summary>
    public void AddTo(Dictionary<string, string> metadata)
    {
        metadata[ToolKey] = typeof(ModelDescription)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        metadata[ConfigKey] = JsonSerializer.Serialize(Config, ModelJson.Default.ModelConfig);
        metadata[PreprocessingKey] = JsonSerializer.Serialize(Preprocessing, ModelJson.Default.Preprocessing);
        if (ClassNames is not null)
            metadata[ClassNamesKey] = JsonSerializer.Serialize(ClassNames, ModelJson.Default.IReadOnlyListString);
    }
}
