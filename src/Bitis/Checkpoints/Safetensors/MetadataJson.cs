using System.Text.Json.Serialization.Metadata;
using Bitis.Json;

namespace Bitis.Checkpoints.Safetensors;

/// <summary>Reads JSON in a file's metadata.</summary>
internal static class MetadataJson
{
    /// <summary>Reads an entry.</summary>
    /// <exception cref="BitisException">
    /// The entry is missing or does not fit its type; the message names the entry, not the file.
    /// </exception>
    public static T Read<T>(IReadOnlyDictionary<string, string> metadata, string key, JsonTypeInfo<T> type)
        where T : class
    {
        string text = metadata.GetValueOrDefault(key) ?? throw new BitisException($"the metadata have no '{key}'.");
        try
        {
            return StrictJson.Read(text, type);
        }
        catch (StrictJsonException e)
        {
            throw new BitisException($"the metadata's '{key}' cannot be read: {e.Message.TrimEnd('.')}.", e);
        }
    }
}
