using System.Text.Json.Nodes;
using Bitis.Data;
using Bitis.Data.Resampling;
using Bitis.Quantization.Recipes;

namespace Bitis.Cli.Output;

/// <summary>Short descriptions of values of the library.</summary>
internal static class InWords
{
    /// <summary>A recipe: <c>mse, w8a8, scope linear, activations per tensor</c>.</summary>
    public static string Of(Recipe recipe)
    {
        string[] settings = [.. Named(recipe.SettingChanges(), "")];
        string method = settings.Length == 0 ? recipe.Method : $"{recipe.Method} with {string.Join(" and ", settings)}";
        method += recipe.Estimator is { } estimator ? $" with ranges by {estimator.Name}" : "";
        string granularity = recipe.Granularity == Granularity.PerToken ? "per token" : "per tensor";
        string overrides = recipe.Overrides.Count == 0
            ? ""
            : $", {string.Join(", ", recipe.Overrides)}";
        return $"{method}, {recipe.Bits}, scope {recipe.Scope.ToString().ToLowerInvariant()}, "
            + $"activations {granularity}{overrides}";
    }

    /// <summary>The scans that are quantized: <c>12, with 8 bits</c>; null for none.</summary>
    public static string? OfScans(int scans, Recipe recipe)
    {
        if (scans == 0)
            return null;
        bool mayDiffer = recipe.Overrides.Any(
            entry => entry.Bits is { } bits && bits.Activations != recipe.Bits.Activations);
        return $"{scans}, with {DisplayText.Count(recipe.Bits.Activations, "bit")}"
            + (mayDiffer ? " unless an override says otherwise" : "");
    }

    /// <summary>A preprocessing: <c>shorter side to 256 (bicubic), centre 224×224, mean ..., std ...</c>.</summary>
    public static string Of(Preprocessing p) =>
        $"shorter side to {p.ResizeShorterSide} ({p.Interpolation.ToString().ToLowerInvariant()}), centre "
        + $"{p.CropSize}×{p.CropSize}, "
        + $"mean {Of(p.Mean)}, std {Of(p.Std)}";

    /// <summary>The first of some names: <c>cat, dog, and 8 more</c>.</summary>
    public static string Of(IReadOnlyList<string> names)
    {
        const int most = 12;
        const int mostOfName = 60;
        string shown = string.Join(", ", names.Take(most).Select(name => DisplayText.Of(name, mostOfName)));
        return names.Count <= most ? shown : $"{shown}, and {names.Count - most} more";
    }

    /// <summary>The values in an object of JSON: <c>alpha 0.3</c>, <c>learning.steps 10</c>.</summary>
    private static IEnumerable<string> Named(JsonObject values, string path) =>
        values.SelectMany(member => member.Value is JsonObject inner
            ? Named(inner, $"{path}{member.Key}.")
            : [$"{path}{member.Key} {member.Value?.ToJsonString() ?? "null"}"]);

    private static string Of(ChannelValues values) => string.Join(' ', values);
}
