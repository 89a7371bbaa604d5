using System.IO.Enumeration;

namespace Bitis.Quantization.Recipes;

/// <summary>Other bits for the operators whose name matches a pattern.</summary>
/// <param name="Pattern">A node's name with <c>*</c> and <c>?</c>: <c>layers.0.*</c>, <c>*.x_proj*</c>.</param>
/// <param name="Bits">The bits there; <see cref="BitWidths.None"/> leaves the operator in float32.</param>
public sealed record SiteOverride(string Pattern, BitWidths Bits)
{
    /// <summary>Reads <c>pattern=bits</c>.</summary>
    /// <exception cref="BitisException">The text is something else.</exception>
    public static SiteOverride Parse(string text)
    {
        int equals = text.LastIndexOf('=');
        return equals > 0
            ? new SiteOverride(text[..equals], BitWidths.Parse(text[(equals + 1)..]))
            : throw new BitisException(
                $"'{text}' is not an override: expected PATTERN=BITS, such as '*.x_proj*=w8a8' or 'layers.0.*=float'.");
    }

    /// <summary>Whether the pattern matches a node's name.</summary>
    public bool Matches(string name) => FileSystemName.MatchesSimpleExpression(Pattern, name, ignoreCase: false);
}
