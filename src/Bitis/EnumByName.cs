using System.Text.Json.Serialization;

namespace Bitis;

/// <summary>How enums are read and written in JSON: by name, never as a number.</summary>
/// <typeparam name="T">The enum, which names this in its <see cref="JsonConverterAttribute"/>.</typeparam>
public sealed class EnumByName<T>() : JsonStringEnumConverter<T>(namingPolicy: null, allowIntegerValues: false)
    where T : struct, Enum;
