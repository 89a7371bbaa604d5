using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Bitis.Json;

/// <summary>A converter of a type with several forms, one of whose members names the form.</summary>
internal interface IFormsByName
{
    /// <summary>The member that names the form; it comes first.</summary>
    string NameKey { get; }

    /// <summary>The known names.</summary>
    IReadOnlyList<string> Names { get; }

    /// <summary>The advice in messages about an unknown name.</summary>
    string Advice { get; }

    /// <summary>The members of a form.</summary>
    JsonTypeInfo FormOf(string name, JsonSerializerOptions options);
}
