using System.Text.Json.Nodes;
using Bitis.Quantization.Methods;

namespace Bitis.Tests.Quantization;

/// <summary>How long methods learn in tests.</summary>
internal static class RecipeSteps
{
    /// <summary>Whether a method learns.</summary>
    public static bool Learns(string method) => QuantizationMethod.Find(method).SettingNames.Contains("learning");

    /// <summary>The recipe with some steps for each block, if its method learns.</summary>
    public static Recipe WithSteps(this Recipe recipe, int steps) => Learns(recipe.Method)
        ? recipe.WithSettings(new JsonObject { ["learning"] = new JsonObject { ["steps"] = steps } })
        : recipe;
}
