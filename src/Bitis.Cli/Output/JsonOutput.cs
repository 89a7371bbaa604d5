using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Bitis.Cli.Output.Results;

namespace Bitis.Cli.Output;

/// <summary>Writes results for programs: one JSON value on standard output.</summary>
internal static class JsonOutput
{
    /// <summary>The member of a result that says how it was made.</summary>
    public const string Run = "run";

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // the reader is a program, not a web page
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase), new RecipeOutput() },
    };

    private static readonly JsonSerializerOptions PageOptions = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    private static readonly JsonSerializerOptions FileOptions = new(PageOptions)
    {
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.Strict,
    };

    /// <summary>Writes a result, and how it was made.</summary>
    public static void Write(TextWriter output, object result, RunRecord run)
    {
        JsonNode value = JsonSerializer.SerializeToNode(result, result.GetType(), Options)!;
        value.AsObject().Add(Run, JsonSerializer.SerializeToNode(run, Options));
        output.WriteLine(value.ToJsonString(Options));
    }

    /// <summary>A result as <see cref="Write"/> writes it, without how it was made.</summary>
    public static JsonElement Element(object result) =>
        JsonSerializer.SerializeToElement(result, result.GetType(), Options);

    /// <summary>A value for a file that people edit: indented, and null members are left out.</summary>
    public static byte[] ForFile(object value) =>
        JsonSerializer.SerializeToUtf8Bytes(value, value.GetType(), FileOptions);

    /// <summary>A value for a script in a page: markup is escaped, and null members are left out.</summary>
    public static string ForPage(object value) => JsonSerializer.Serialize(value, value.GetType(), PageOptions);
}
