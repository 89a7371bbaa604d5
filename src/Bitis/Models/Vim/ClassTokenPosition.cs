using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Models.Vim;

/// <summary>The position of a Vim's class token.</summary>
[JsonConverter(typeof(EnumByName<ClassTokenPosition>))]
public enum ClassTokenPosition
{
    /// <summary>No class token; the head reads the mean of all tokens.</summary>
    None,

    /// <summary>Before the first patch.</summary>
    First,

    /// <summary>In the middle of the patches, as in all published models.</summary>
    Middle,
}
