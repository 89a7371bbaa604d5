using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Models.Vim;

/// <summary>Where a Vim puts its class token.</summary>
[JsonConverter(typeof(EnumByName<ClassTokenPosition>))]
public enum ClassTokenPosition
{
    /// <summary>There is none; the head sees the mean of all tokens.</summary>
    None,

    /// <summary>Before the first patch.</summary>
    First,

    /// <summary>In the middle of the patches, as in all published models.</summary>
    Middle,
}
