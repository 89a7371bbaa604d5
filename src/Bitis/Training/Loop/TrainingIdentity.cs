using System.Text.Json;
using System.Text.Json.Serialization;
using Bitis.Models;

namespace Bitis.Training.Loop;

/// <summary>What a training depends on, without its position.</summary>
/// <remarks>A training can only be resumed from a checkpoint of the same identity.</remarks>
/// <param name="Config">The architecture.</param>
/// <param name="Recipe">The recipe.</param>
/// <param name="Training">The images to train with.</param>
/// <param name="Validation">The images to validate with; null if there are none.</param>
/// <param name="Preprocessing">How images become the model's input; null for the default of their size.</param>
/// <param name="ClassNames">The classes' names, by index; null if unknown, or if an older version wrote it.</param>
internal sealed record TrainingIdentity(
    ModelConfig Config,
    TrainingRecipe Recipe,
    DataDigest Training,
    DataDigest? Validation,
    Preprocessing? Preprocessing = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? ClassNames = null)
{
    /// <summary>Throws unless this training, read from a checkpoint, is the expected one.</summary>
    /// <exception cref="BitisException">It is another training; the message names the first difference.</exception>
    public void RequireSame(TrainingIdentity wanted, string file)
    {
        if (ClassNames is null)
            wanted = wanted with { ClassNames = null };
        TrainingJson json = TrainingJson.Default;
        JsonElement saved = JsonSerializer.SerializeToElement(this, json.TrainingIdentity);
        if (
            FindDifference(
                saved, JsonSerializer.SerializeToElement(wanted, json.TrainingIdentity),
                "") is not var (path, found, expected))
        {
            return;
        }

        string same = path.Split('.')[0] switch
        {
            "training" => "the same training images (--data, --take, --exif-orientation)",
            "validation" => "the same validation images (--validation, --exif-orientation)",
            _ => "what the training was started with",
        };
        throw BitisException.InFile(
            file,
            $"this is a checkpoint of another training: {path} is {found} in it, and {expected} here. "
            + $"Resume with {same}, or start a new training in another folder.");
    }

    /// <summary>The first value that differs, with its path: <c>recipe.epochs</c>.</summary>
    private static (string Path, string Saved, string Wanted)? FindDifference(
        JsonElement saved, JsonElement wanted, string path)
    {
        if (saved.ValueKind != JsonValueKind.Object || wanted.ValueKind != JsonValueKind.Object)
            return JsonElement.DeepEquals(saved, wanted) ? null : (path, saved.GetRawText(), wanted.GetRawText());
        return saved.EnumerateObject().Concat(wanted.EnumerateObject()).Select(property => property.Name).Distinct()
            .Select(
                name =>
                    FindDifference(
                        Property(saved, name), Property(wanted, name), path.Length == 0 ? name : $"{path}.{name}"))
            .FirstOrDefault(difference => difference is not null);
    }

    private static JsonElement Property(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) ? value : NullElement;

    private static JsonElement NullElement { get; } = JsonElement.Parse("null");
}
