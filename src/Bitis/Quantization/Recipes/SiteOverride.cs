using System.IO.Enumeration;
using System.Text.Json.Serialization;

namespace Bitis.Quantization.Recipes;

/// <summary>Other bits, or another scope, for the layers and scans whose name matches a pattern.</summary>
/// <param name="Pattern">A node's name with <c>*</c> and <c>?</c>: <c>layers.0.*</c>, <c>*.scan*</c>.</param>
/// <param name="Bits">
/// Their bits; <see cref="BitWidths.None"/> leaves them in float32, and null keeps the recipe's. A scan has the bits of
/// activations.
/// </param>
/// <param name="Scope">The scope for them; null keeps the recipe's.</param>
public sealed record SiteOverride(
    string Pattern,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] BitWidths? Bits = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Scope? Scope = null)
{
    private static readonly Dictionary<string, Scope> Scopes =
        Enum.GetValues<Scope>().ToDictionary(scope => scope.ToString().ToLowerInvariant());

    /// <summary>Reads <c>pattern=bits</c>, <c>pattern=scope</c> or <c>pattern=bits,scope</c>.</summary>
    /// <exception cref="BitisException">The text has another form.</exception>
    public static SiteOverride Parse(string text)
    {
        int equals = text.LastIndexOf('=');
        if (equals <= 0)
            throw Malformed(text);
        string[] values = text[(equals + 1)..].Split(',');
        Scope? scope = ScopeOf(values[^1]);
        return values.Length switch
        {
            1 when scope is not null => new SiteOverride(text[..equals], Scope: scope),
            1 => new SiteOverride(text[..equals], BitWidths.Parse(values[0])),
            2 when scope is not null => new SiteOverride(text[..equals], BitWidths.Parse(values[0]), scope),
            _ => throw Malformed(text),
        };
    }

    /// <summary>Whether the pattern matches a node's name.</summary>
    public bool Matches(string name) => FileSystemName.MatchesSimpleExpression(Pattern, name, ignoreCase: false);

    /// <summary>The form that <see cref="Parse"/> reads.</summary>
    public override string ToString() => $"{Pattern}=" + string.Join(
        ',', ((string?[])[Bits?.ToString(), Scope?.ToString().ToLowerInvariant()]).Where(value => value is not null));

    private static Scope? ScopeOf(string text) => Scopes.TryGetValue(text, out Scope scope) ? scope : null;

    private static BitisException Malformed(string text) => new(
        $"'{text}' is not an override: expected PATTERN=BITS, PATTERN=SCOPE or PATTERN=BITS,SCOPE, such as "
        + "'*.x_proj*=w8a8', 'layers.0.*=float', 'layers.3.*=linear' or 'layers.3.*=w4a8,ssm'.");
}
