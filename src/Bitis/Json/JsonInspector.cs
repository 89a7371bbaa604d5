using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Bitis.Json;

/// <summary>
/// Compares JSON with the type that it is to become, before anything is created of it: members, kinds of values, nulls.
/// What is wrong is said with its path, what was found and what was expected.
/// </summary>
/// <param name="options">The strict options that the JSON is read with.</param>
/// <param name="isComplete">Whether only members that may be null can be missing.</param>
internal sealed class JsonInspector(JsonSerializerOptions options, bool isComplete)
{
    /// <summary>What types are asked of; a config from outside has options of its own.</summary>
    private JsonSerializerOptions _options = options;

    private readonly List<string> _path = [];
    private byte[] _text = [];
    private long _position;

    /// <summary>Compares a text with a type.</summary>
    /// <exception cref="StrictJsonException">They differ.</exception>
    public void Inspect(string text, JsonTypeInfo type)
    {
        _text = Encoding.UTF8.GetBytes(text);
        var reader = new Utf8JsonReader(_text, new JsonReaderOptions
        {
            MaxDepth = _options.MaxDepth,
            CommentHandling = _options.ReadCommentHandling,
            AllowTrailingCommas = _options.AllowTrailingCommas,
        });
        try
        {
            Next(ref reader);
            InspectValue(ref reader, type);
            _path.Clear();
            reader.Read(); // throws if something follows
        }
        catch (JsonException e)
        {
            string problem = $"this is not JSON: {e.Message.Split(" LineNumber: ")[0]}";
            throw new StrictJsonException(PathText, (int)(e.LineNumber ?? 0) + 1, problem, expected: null, e);
        }
        catch (InvalidOperationException e)
        {
            throw Refusal("text that is not Unicode was found", "text", e);
        }
    }

    private string PathText => string.Concat(_path).TrimStart('.');

    private void Next(ref Utf8JsonReader reader)
    {
        reader.Read();
        _position = reader.TokenStartIndex;
    }

    /// <summary>Inspects the value that the reader is at; the reader is at its last token afterwards.</summary>
    private void InspectValue(ref Utf8JsonReader reader, JsonTypeInfo type)
    {
        switch (type.Kind)
        {
            case var _ when type.Converter is IFormsByName forms:
                InspectForm(ref reader, type, forms);
                break;
            case JsonTypeInfoKind.Object:
                InspectObject(ref reader, type);
                break;
            case JsonTypeInfoKind.Dictionary:
                InspectDictionary(ref reader, type);
                break;
            case JsonTypeInfoKind.Enumerable:
                InspectList(ref reader, type);
                break;
            default:
                InspectLeaf(ref reader, type);
                break;
        }
    }

    private void InspectObject(ref Utf8JsonReader reader, JsonTypeInfo declared)
    {
        Require(ref reader, JsonTokenType.StartObject, declared);
        if (declared.PolymorphismOptions is not { } forms)
        {
            InspectMembers(ref reader, declared, discriminator: null);
            return;
        }
        string discriminator = forms.TypeDiscriminatorPropertyName;
        Dictionary<string, Type> types =
            forms.DerivedTypes.ToDictionary(form => (string)form.TypeDiscriminator!, form => form.DerivedType);
        InspectMembers(ref reader, TypeOf(types[FindForm(reader, discriminator, [.. types.Keys])]), discriminator);
    }

    /// <summary>A type that says itself which form is meant; each form may have options of its own.</summary>
    private void InspectForm(ref Utf8JsonReader reader, JsonTypeInfo declared, IFormsByName forms)
    {
        Require(ref reader, JsonTokenType.StartObject, declared);
        string name = FindForm(reader, forms.NameKey, forms.Names, $". {forms.Advice}");
        JsonSerializerOptions outer = _options;
        JsonTypeInfo form = forms.FormOf(name, outer);
        _options = form.Options;
        InspectMembers(ref reader, form, forms.NameKey);
        _options = outer;
    }

    private void InspectMembers(ref Utf8JsonReader reader, JsonTypeInfo type, string? discriminator)
    {
        long start = _position;
        var seen = new HashSet<string>();
        while (NextMember(ref reader, seen) is { } name)
        {
            if (name == discriminator && seen.Count > 1 && !_options.AllowOutOfOrderMetadataProperties)
                throw Refusal("this member must be the first", expected: null);
            JsonPropertyInfo? property = MembersOf(type).FirstOrDefault(property => property.Name == name);
            if (property is null && name != discriminator && !IsComputed(type, name))
                throw Refusal("there is no such member", $"one of {string.Join(", ", NamesOf(type, discriminator))}");
            Next(ref reader);
            if (property is null)
                InspectTexts(ref reader);
            else
                InspectMember(ref reader, property);
            Leave();
        }
        _position = start;
        string[] missing = [.. MembersOf(type).Where(IsNeeded).Select(property => property.Name).Except(seen)];
        if (missing.Length == 1)
            throw Refusal($"'{missing[0]}' is missing", expected: null);
        if (missing.Length > 1)
            throw Refusal($"'{string.Join("', '", missing)}' are missing", expected: null);
    }

    private void InspectMember(ref Utf8JsonReader reader, JsonPropertyInfo property)
    {
        if (reader.TokenType != JsonTokenType.Null)
            InspectValue(ref reader, TypeOf(property.PropertyType));
        else if (!MayBeNull(property))
            throw Refusal("null was found", Describe(property.PropertyType));
    }

    private void InspectDictionary(ref Utf8JsonReader reader, JsonTypeInfo type)
    {
        Require(ref reader, JsonTokenType.StartObject, type);
        JsonTypeInfo values = TypeOf(type.ElementType!);
        var seen = new HashSet<string>();
        while (NextMember(ref reader, seen) is not null)
        {
            Next(ref reader);
            InspectValue(ref reader, values);
            Leave();
        }
    }

    private void InspectList(ref Utf8JsonReader reader, JsonTypeInfo type)
    {
        Require(ref reader, JsonTokenType.StartArray, type);
        JsonTypeInfo elements = TypeOf(type.ElementType!);
        for (int index = 0; ; index++)
        {
            Next(ref reader);
            if (reader.TokenType == JsonTokenType.EndArray)
                return;
            _path.Add(string.Create(CultureInfo.InvariantCulture, $"[{index}]"));
            InspectValue(ref reader, elements);
            Leave();
        }
    }

    /// <summary>Goes to the next member's name; null at the end of the object.</summary>
    private string? NextMember(ref Utf8JsonReader reader, HashSet<string> seen)
    {
        Next(ref reader);
        if (reader.TokenType == JsonTokenType.EndObject)
            return null;
        string name = reader.GetString()!;
        _path.Add($".{name}");
        return seen.Add(name) ? name : throw Refusal("this member is there twice", expected: null);
    }

    /// <summary>A text, a number or the like: what the serializer makes of it.</summary>
    private void InspectLeaf(ref Utf8JsonReader reader, JsonTypeInfo type)
    {
        string found = $"{Found(ref reader)} was found";
        if (reader.TokenType == JsonTokenType.Null)
            throw Refusal(found, Describe(type.Type));
        if (type.Type == typeof(JsonElement))
        {
            InspectTexts(ref reader);
            return;
        }
        try
        {
            object? value = JsonSerializer.Deserialize(ref reader, type);
            if (value is double number && !double.IsFinite(number) || value is float single && !float.IsFinite(single))
                throw Refusal(found, "a smaller number");
        }
        catch (JsonException e)
        {
            const string Prefix = "expected ";
            bool saysWhat = e.Message.StartsWith(Prefix, StringComparison.Ordinal);
            throw Refusal(found, saysWhat ? e.Message[Prefix.Length..] : Describe(type.Type), e);
        }
        catch (BitisException e)
        {
            throw Refusal(e.Message.TrimEnd('.'), expected: null, e);
        }
    }

    /// <summary>
    /// Any value, which nobody reads, or inspects later; but its texts must be Unicode, since it may be copied on the
    /// way.
    /// </summary>
    private static void InspectTexts(ref Utf8JsonReader reader)
    {
        int depth = reader.CurrentDepth;
        bool isMore = true;
        while (isMore)
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName)
                _ = reader.GetString();
            bool isWithin = reader.CurrentDepth > depth;
            isMore = (isWithin || reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
                && reader.Read();
        }
    }

    /// <summary>The form of an object that one of its members names.</summary>
    /// <param name="reader">A copy of the reader, at the object's start.</param>
    /// <param name="discriminator">The member that names the form.</param>
    /// <param name="known">The names that there are.</param>
    /// <param name="advice">What to do about another name.</param>
    private string FindForm(
        Utf8JsonReader reader, string discriminator, IReadOnlyList<string> known, string advice = "")
    {
        string names = $"one of {string.Join(", ", known.Select(name => $"\"{name}\""))}{advice}";
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isFound = reader.ValueTextEquals(discriminator);
            reader.Read();
            if (isFound)
            {
                string? text = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
                if (text is not null && known.Contains(text))
                    return text;
                _path.Add($".{discriminator}");
                _position = reader.TokenStartIndex;
                throw Refusal($"{Found(ref reader)} was found", names);
            }
            reader.Skip();
        }
        throw Refusal($"'{discriminator}' ({names}) is missing", expected: null);
    }

    private static IEnumerable<JsonPropertyInfo> MembersOf(JsonTypeInfo type) =>
        type.Properties.Where(property => property.Set is not null || property.AssociatedParameter is not null);

    /// <summary>Whether a member is written for people and computed anew instead of read.</summary>
    private static bool IsComputed(JsonTypeInfo type, string name) =>
        type.Properties.FirstOrDefault(property => property.Name == name)
            is { Get: not null, Set: null, AssociatedParameter: null };

    private static IEnumerable<string> NamesOf(JsonTypeInfo type, string? discriminator)
    {
        IEnumerable<string> names = MembersOf(type).Select(property => property.Name);
        return discriminator is null ? names : names.Prepend(discriminator);
    }

    private bool IsNeeded(JsonPropertyInfo property) =>
        property.IsRequired
        || property.AssociatedParameter is { HasDefaultValue: false, IsMemberInitializer: false }
        || (isComplete && !MayBeNull(property));

    private static bool MayBeNull(JsonPropertyInfo property) => property.PropertyType.IsValueType
        ? Nullable.GetUnderlyingType(property.PropertyType) is not null
        : property.IsSetNullable;

    private JsonTypeInfo TypeOf(Type type) => _options.GetTypeInfo(Nullable.GetUnderlyingType(type) ?? type);

    private string Describe(Type type)
    {
        Type itself = Nullable.GetUnderlyingType(type) ?? type;
        return TypeOf(type).Kind switch
        {
            JsonTypeInfoKind.Object or JsonTypeInfoKind.Dictionary => "an object",
            JsonTypeInfoKind.Enumerable => "a list",
            _ when itself == typeof(bool) => "true or false",
            _ when itself == typeof(int) => "a whole number below 2³¹",
            _ when itself == typeof(long) => "a whole number",
            _ when itself == typeof(float) || itself == typeof(double) => "a number",
            _ => "text",
        };
    }

    private static string Found(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "a list",
        JsonTokenType.String => $"\"{DisplayText.Of(reader.GetString())}\"",
        _ => DisplayText.Of(Encoding.UTF8.GetString(reader.ValueSpan)),
    };

    private void Require(ref Utf8JsonReader reader, JsonTokenType token, JsonTypeInfo type)
    {
        if (reader.TokenType != token)
            throw Refusal($"{Found(ref reader)} was found", Describe(type.Type));
    }

    private void Leave() => _path.RemoveAt(_path.Count - 1);

    private StrictJsonException Refusal(string problem, string? expected, Exception? cause = null)
    {
        int line = _text.AsSpan(0, (int)_position).Count((byte)'\n') + 1;
        return new StrictJsonException(PathText, line, problem, expected, cause);
    }
}
