using System.Text;
using System.Text.Json;

namespace Bitis.Fuzz;

/// <summary>A JSON value that can be made wrong: members may come twice, numbers and texts may be anything.</summary>
internal sealed class JsonTree
{
    private JsonTree(JsonValueKind kind, string raw, List<(string Name, JsonTree Value)> members)
    {
        Kind = kind;
        Raw = raw;
        Members = members;
    }

    /// <summary>What it is.</summary>
    public JsonValueKind Kind { get; private set; }

    /// <summary>The text of a value that has no members.</summary>
    public string Raw { get; set; }

    /// <summary>The members of an object, or the elements of an array, whose names do not count.</summary>
    public List<(string Name, JsonTree Value)> Members { get; private set; }

    /// <summary>Reads a valid text.</summary>
    /// <exception cref="JsonException">It is not valid.</exception>
    public static JsonTree Parse(string text)
    {
        using var document = JsonDocument.Parse(text);
        return Of(document.RootElement);
    }

    /// <summary>This value and all within.</summary>
    public IEnumerable<JsonTree> All => Members.SelectMany(member => member.Value.All).Prepend(this);

    /// <summary>Becomes another value.</summary>
    public void Become(JsonTree other) => (Kind, Raw, Members) = (other.Kind, other.Raw, [.. other.Members]);

    /// <summary>A copy.</summary>
    public JsonTree Clone() => new(Kind, Raw, [.. Members.Select(member => (member.Name, member.Value.Clone()))]);

    /// <summary>Becomes an array with one element or member: what it was.</summary>
    public void Wrap(JsonValueKind kind)
    {
        JsonTree inner = Clone();
        (Kind, Raw, Members) = (kind, "", [("x", inner)]);
    }

    /// <summary>The text.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        Write(text);
        return text.ToString();
    }

    private void Write(StringBuilder text)
    {
        if (Kind is not (JsonValueKind.Object or JsonValueKind.Array))
        {
            text.Append(Raw);
            return;
        }
        text.Append(Kind == JsonValueKind.Object ? '{' : '[');
        for (int i = 0; i < Members.Count; i++)
        {
            text.Append(i == 0 ? "" : ",");
            if (Kind == JsonValueKind.Object)
                text.Append(JsonSerializer.Serialize(Members[i].Name)).Append(':');
            Members[i].Value.Write(text);
        }
        text.Append(Kind == JsonValueKind.Object ? '}' : ']');
    }

    private static JsonTree Of(JsonElement element) =>
        new(element.ValueKind, element.GetRawText(), element.ValueKind switch
        {
            JsonValueKind.Object => [.. element.EnumerateObject().Select(member => (member.Name, Of(member.Value)))],
            JsonValueKind.Array => [.. element.EnumerateArray().Select(value => ("", Of(value)))],
            _ => [],
        });
}
