using System.IO.Enumeration;

namespace Bitis.Execution.LowBit;

/// <summary>Another method of the backward pass for the layers whose name matches a pattern.</summary>
/// <param name="Pattern">A node's name with <c>*</c> and <c>?</c>: <c>layers.0.*</c>, <c>*.x_proj*</c>.</param>
/// <param name="Method">One of <see cref="BackwardMethods.Names"/>.</param>
internal sealed record BackwardOverride(string Pattern, string Method)
{
    /// <summary>Whether the pattern matches a node's name.</summary>
    public bool Matches(string name) => FileSystemName.MatchesSimpleExpression(Pattern, name, ignoreCase: false);
}
