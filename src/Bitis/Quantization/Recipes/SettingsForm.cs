using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Bitis.Json;

namespace Bitis.Quantization.Recipes;

/// <summary>How the settings of one method or estimator are checked, read and written.</summary>
/// <typeparam name="TBase">The base type of all settings.</typeparam>
internal sealed class SettingsForm<TBase>
    where TBase : class
{
    private readonly string _owner;
    private readonly JsonTypeInfo _json;
    private readonly Func<string, TBase?> _read;

    private SettingsForm(string owner, JsonTypeInfo json, TBase usual, Func<string, TBase?> read)
    {
        _owner = owner;
        _json = json;
        _read = read;
        Usual = usual;
        Names = [.. json.Properties.Where(IsSetting).Select(property => property.Name)];
    }

    /// <summary>The settings of a recipe that does not set any.</summary>
    public TBase Usual { get; }

    /// <summary>The names of the settings in JSON.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Creates the form of a type of settings.</summary>
    /// <param name="owner">The owner's name in messages: <c>method 'mse'</c>.</param>
    /// <param name="json">How they are read and written.</param>
    /// <exception cref="ArgumentException">The options of the JSON are not strict.</exception>
    public static SettingsForm<TBase> Create<TSettings>(string owner, JsonTypeInfo<TSettings> json)
        where TSettings : class, TBase, new()
    {
        ArgumentNullException.ThrowIfNull(json);
        if (!StrictJson.IsStrict(json.Options))
        {
            throw new ArgumentException(
                $"The JSON options of the {owner} are not strict: use JsonSerializerDefaults.Strict and MaxDepth = "
                + $"{StrictJson.MaxDepth}.",
                nameof(json));
        }
        return new SettingsForm<TBase>(owner, json, new TSettings(), text => StrictJson.Read(text, json));
    }

    /// <summary>Returns the settings if they are of this form; for null, the usual ones.</summary>
    /// <exception cref="BitisException">The settings are of another form.</exception>
    public TBase Checked(TBase? settings) => settings is null || settings.GetType() == _json.Type
        ? settings ?? Usual
        : throw new BitisException($"The {_owner} takes {_json.Type.Name}, not {settings.GetType().Name}.");

    /// <summary>Settings with some of them changed.</summary>
    /// <param name="changes">New values by name. Nested records may be partial, too.</param>
    /// <param name="from">The other values; null for the usual ones.</param>
    /// <exception cref="BitisException">The setting is unknown, or the value is invalid.</exception>
    public TBase Read(JsonObject changes, TBase? from)
    {
        JsonObject all = Write(Checked(from));
        try
        {
            RequireKnown(changes);
            Overlay(all, changes);
            return _read(all.ToJsonString())!;
        }
        catch (StrictJsonException e)
        {
            throw new BitisException($"The {_owner} does not take these settings: {e.Message}.", e);
        }
        catch (ArgumentException e) // a repeated name, which JsonObject finds only on access
        {
            throw new BitisException($"The settings of the {_owner} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Settings as JSON, all of them.</summary>
    public JsonObject Write(TBase settings) => JsonSerializer.SerializeToNode(Checked(settings), _json)!.AsObject();

    /// <summary>The settings that differ from the usual ones.</summary>
    public JsonObject Changes(TBase settings)
    {
        JsonObject all = Write(settings), usual = Write(Usual);
        foreach (string name in all.Select(member => member.Key).ToArray())
        {
            if (JsonNode.DeepEquals(all[name], usual[name]))
                all.Remove(name);
        }
        return all;
    }

    private void RequireKnown(JsonObject changes)
    {
        foreach ((string name, _) in changes)
        {
            if (!Names.Contains(name))
            {
                throw new BitisException($"The {_owner} has no setting '{name}'; "
                    + (Names.Count == 0 ? "it has no settings." : $"its settings are {string.Join(", ", Names)}."));
            }
        }
    }

    private static void Overlay(JsonObject target, JsonObject changes)
    {
        foreach ((string name, JsonNode? value) in changes)
        {
            if (value is JsonObject inner && target[name] is JsonObject present)
                Overlay(present, inner);
            else
                target[name] = value?.DeepClone();
        }
    }

    private static bool IsSetting(JsonPropertyInfo property) =>
        property.Set is not null || property.AssociatedParameter is not null;
}
