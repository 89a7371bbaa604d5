using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Bitis.Json;

/// <summary>A converter of a type that has several forms, of which one member names the one that is meant.</summary>
internal interface IFormsByName
{
    /// <summary>The member that names the form; it comes first.</summary>
    string NameKey { get; }

    /// <summary>The names that are known.</summary>
    IReadOnlyList<string> Names { get; }

    /// <summary>What to do if a name is unknown, for messages.</summary>
    string Advice { get; }

    /// <summary>The members of a form.</summary>
    JsonTypeInfo FormOf(string name, JsonSerializerOptions options);
}
