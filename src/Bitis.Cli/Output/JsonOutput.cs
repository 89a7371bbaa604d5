using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Bitis.Cli.Output.Results;

namespace Bitis.Cli.Output;

/// <summary>Writes results for programs: one JSON value on standard output.</summary>
internal static class JsonOutput
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // the reader is a program, not a web page
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase), new RecipeOutput() },
    };

    /// <summary>Writes a result.</summary>
    public static void Write(TextWriter output, object result) =>
        output.WriteLine(JsonSerializer.Serialize(result, result.GetType(), Options));
}
