using System.Text.Json;
using System.Text.Json.Serialization;
using Bitis.Quantization.Estimators;

namespace Bitis.Quantization.Recipes;

/// <summary>
/// A range estimator in a recipe as JSON: <c>{ "name": "percentile", "settings": { "percentile": 99.9 } }</c>.
/// </summary>
/// <param name="Name">Its name.</param>
/// <param name="Settings">Its settings; missing ones have their usual values.</param>
internal sealed record EstimatorDocument(
    string Name, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] JsonElement? Settings = null)
{
    /// <summary>The document of a choice.</summary>
    public static EstimatorDocument Of(EstimatorChoice choice)
    {
        ArgumentNullException.ThrowIfNull(choice);
        return new(choice.Name, choice.Settings is { } settings
            ? RecipeDocument.ElementOf(RangeEstimatorKind.Find(choice.Name).WriteSettings(settings))
            : null);
    }

    /// <summary>Converts the document to a choice.</summary>
    /// <exception cref="BitisException">The estimator is unknown, or does not have a setting.</exception>
    public EstimatorChoice ToChoice()
    {
        RangeEstimatorKind kind = RangeEstimatorKind.Find(Name);
        return new EstimatorChoice(
            Name, Settings is { } settings ? kind.ReadSettings(RecipeDocument.ObjectOf(settings)) : null);
    }
}
