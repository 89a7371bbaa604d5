using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis;

/// <summary>Which sites of a model a recipe quantizes.</summary>
[JsonConverter(typeof(EnumByName<Scope>))]
public enum Scope
{
    /// <summary>The linear layers of the blocks: their weights and their inputs (PTQ4VM's scope).</summary>
    /// <remarks>In a graph without blocks, all linear layers.</remarks>
    Linear,

    /// <summary>
    /// As <see cref="Linear"/>, and what is inside of the selective scans: u, Δ, Ā, B, C and the hidden states
    /// (QMamba's scope).
    /// </summary>
    Ssm,

    /// <summary>As <see cref="Ssm"/>, and all other layers: convolutions, the patch embedding and the head.</summary>
    /// <remarks>The layer that sees the image and the one that gives the logits have at least 8 bits.</remarks>
    Full,
}
