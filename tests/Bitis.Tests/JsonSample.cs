using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Bitis.Data;
using Bitis.Models;
using Bitis.Models.Catalogue;

namespace Bitis.Tests;

/// <summary>JSON of a type with a value in every place, made from what the serializer knows of the type.</summary>
/// <param name="type">The type.</param>
internal sealed class JsonSample(JsonTypeInfo type)
{
    private readonly NullabilityInfoContext _nullability = new();
    private readonly List<JsonPlace> _places = [];
    private JsonPlace? _changed;
    private JsonNode? _value;
    private bool _isOmitted;

    /// <summary>The JSON, and the places in it.</summary>
    public (string Text, IReadOnlyList<JsonPlace> Places) Create()
    {
        _places.Clear();
        return (Value(type, "").ToJsonString(), [.. _places]);
    }

    /// <summary>The JSON with another value in one place.</summary>
    public string With(JsonPlace place, JsonNode? value)
    {
        (_changed, _value, _isOmitted) = (place, value, false);
        return Value(type, "").ToJsonString();
    }

    /// <summary>The JSON without what is in one place.</summary>
    public string Without(JsonPlace place)
    {
        (_changed, _value, _isOmitted) = (place, null, true);
        return Value(type, "").ToJsonString();
    }

    private JsonNode Value(JsonTypeInfo at, string path)
    {
        switch (at.Kind)
        {
            case JsonTypeInfoKind.Object:
                return Object(at, path);
            case JsonTypeInfoKind.Dictionary:
                var dictionary = new JsonObject();
                var entry = new JsonPlace($"{path}.x", MayBeNull: false, IsMember: false);
                Add(entry, at.ElementType!, value => dictionary["x"] = value);
                return dictionary;
            case JsonTypeInfoKind.Enumerable:
                var list = new JsonArray();
                Add(new JsonPlace($"{path}[0]", MayBeNull: false, IsMember: false), at.ElementType!, list.Add);
                return list;
            default:
                return Leaf(at);
        }
    }

    private JsonObject Object(JsonTypeInfo declared, string path)
    {
        var result = new JsonObject();
        JsonTypeInfo form = declared;
        if (declared.PolymorphismOptions is { } options)
        {
            JsonDerivedType largest = options.DerivedTypes.MaxBy(other => TypeOf(other.DerivedType).Properties.Count);
            form = TypeOf(largest.DerivedType);
            result[options.TypeDiscriminatorPropertyName] = (string)largest.TypeDiscriminator!;
        }
        foreach (JsonPropertyInfo property in form.Properties)
        {
            if (property is { Set: null, AssociatedParameter: null })
                continue;
            if (property.PropertyType == typeof(JsonElement?))
            {
                result[property.Name] = new JsonObject(); // what it is depends on other members
                continue;
            }
            PropertyInfo member = MemberOf(form.Type, property.Name);
            bool mayBeNull = _nullability.Create(member).ReadState == NullabilityState.Nullable;
            var place = new JsonPlace($"{path}.{property.Name}", mayBeNull, IsMember: true);
            Add(place, property.PropertyType, value => result[property.Name] = value);
        }
        return result;
    }

    private static PropertyInfo MemberOf(Type type, string jsonName) =>
        type.GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Single(member => JsonNameOf(member) == jsonName);

    private static string JsonNameOf(PropertyInfo member) =>
        member.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name
        ?? JsonNamingPolicy.CamelCase.ConvertName(member.Name);

    private void Add(JsonPlace place, Type at, Action<JsonNode?> add)
    {
        place = place with { Path = place.Path.TrimStart('.') };
        _places.Add(place);
        if (place != _changed)
            add(Value(TypeOf(at), place.Path));
        else if (!_isOmitted)
            add(_value?.DeepClone());
    }

    private JsonTypeInfo TypeOf(Type at) => type.Options.GetTypeInfo(Nullable.GetUnderlyingType(at) ?? at);

    private JsonNode Leaf(JsonTypeInfo at)
    {
        if (at.Type.IsEnum)
            return JsonSerializer.SerializeToNode(Enum.GetValues(at.Type).GetValue(0), at.Type, type.Options)!;
        if (at.Type == typeof(string))
            return "text";
        if (at.Type == typeof(bool))
            return true;
        if (at.Type == typeof(ModelConfig))
        {
            return JsonSerializer.SerializeToNode(
                SmallModels.Get("vit-mini", classes: 2), ModelJson.Default.ModelConfig)!;
        }

        if (at.Type == typeof(ChannelValues))
            return new JsonArray(1);
        return at.Type == typeof(BitWidths) ? "w8a8" : 1;
    }
}
