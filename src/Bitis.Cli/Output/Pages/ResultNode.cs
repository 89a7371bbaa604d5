using System.Globalization;
using System.Text.Json;

namespace Bitis.Cli.Output.Pages;

/// <summary>A value of a result that was read back. What is not as expected is refused with its place.</summary>
internal sealed class ResultNode(string file, string path, JsonElement value)
{
    /// <summary>The file that it is from.</summary>
    public string File => file;

    /// <summary>Whether this is an object with a member that is not null.</summary>
    public bool Has(string name) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out JsonElement member)
        && member.ValueKind != JsonValueKind.Null;

    /// <summary>Whether this is an object with these members; they may be null.</summary>
    public bool HasMembers(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(name, out _))
                return false;
        }
        return true;
    }

    /// <summary>A member.</summary>
    public ResultNode this[string name] => Has(name)
        ? new ResultNode(file, path.Length == 0 ? name : $"{path}.{name}", value.GetProperty(name))
        : throw Bad($"'{name}' is missing");

    /// <summary>A text.</summary>
    public string Text(string name) => this[name].AsText();

    /// <summary>A text; null if it is missing or null.</summary>
    public string? TextOrNull(string name) => Has(name) ? Text(name) : null;

    /// <summary>A number.</summary>
    public double Number(string name) => this[name].AsNumber();

    /// <summary>A number; null if it is missing or null.</summary>
    public double? NumberOrNull(string name) => Has(name) ? Number(name) : null;

    /// <summary>Whether a member is true.</summary>
    public bool IsTrue(string name) => Has(name) && value.GetProperty(name).ValueKind == JsonValueKind.True;

    /// <summary>The values of a list.</summary>
    public IReadOnlyList<ResultNode> List(string name) => this[name].Items();

    /// <summary>The numbers of a list.</summary>
    public IReadOnlyList<double> Numbers(string name) => [.. List(name).Select(item => item.AsNumber())];

    /// <summary>As <see cref="List"/>; empty if it is missing or null.</summary>
    public IReadOnlyList<ResultNode> ListOrEmpty(string name) => Has(name) ? List(name) : [];

    private ResultNode[] Items() => value.ValueKind == JsonValueKind.Array
        ? [.. value.EnumerateArray().Select((item, i) => new ResultNode(file, $"{path}[{i}]", item))]
        : throw Bad("a list was expected");

    private string AsText() =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Bad("a text was expected");

    private double AsNumber() => value.ValueKind switch
    {
        JsonValueKind.Number when value.TryGetDouble(out double number) => number,
        JsonValueKind.String when value.GetString() is "NaN" or "Infinity" or "-Infinity" =>
            double.Parse(value.GetString()!, CultureInfo.InvariantCulture),
        _ => throw Bad("a number was expected"),
    };

    private BitisException Bad(string problem) => BitisException.InFile(
        file, $"this is not a complete result: {problem}{(path.Length == 0 ? "" : $" at '{DisplayText.Of(path)}'")}.");
}
