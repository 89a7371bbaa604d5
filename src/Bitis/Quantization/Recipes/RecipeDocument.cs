using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Quantizers;

namespace Bitis.Quantization.Recipes;

/// <summary>A recipe as JSON: <c>{ "method": "ptq4vm+", "settings": { "alpha": 0.3 }, "bits": "w4a4" }</c>.</summary>
/// <remarks>
/// Before there were settings, those of all methods stood in the recipe itself; such recipes are read, and none is
/// written.
/// </remarks>
internal sealed record RecipeDocument
{
    private const double OldPercentile = 99.99;

    /// <summary>As <see cref="Recipe.Method"/>.</summary>
    public string Method { get; init; } = new Recipe().Method;

    /// <summary>What the method's settings are; those that are missing are usual.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonElement? Settings { get; init; }

    /// <summary>What decides ranges in place of the method's own estimator.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public EstimatorDocument? Estimator { get; init; }

    /// <summary>As <see cref="Recipe.Bits"/>.</summary>
    public BitWidths Bits { get; init; } = new Recipe().Bits;

    /// <summary>As <see cref="Recipe.Scope"/>.</summary>
    public Scope Scope { get; init; }

    /// <summary>As <see cref="Recipe.ActivationGranularity"/>.</summary>
    public Granularity? ActivationGranularity { get; init; }

    /// <summary>As <see cref="Recipe.TimeGroups"/>.</summary>
    public int? TimeGroups { get; init; }

    /// <summary>As <see cref="Recipe.Decay"/>.</summary>
    public DecaySpacing? Decay { get; init; }

    /// <summary>As <see cref="Recipe.Overrides"/>.</summary>
    public IReadOnlyList<SiteOverride> Overrides { get; init; } = [];

    /// <summary>Of old recipes: the exponent of the smoothing.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Alpha { get; init; }

    /// <summary>Of old recipes: whether methods that smooth do so.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Smoothing { get; init; }

    /// <summary>Of old recipes: how methods that learn do so.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public LearningRecipe? Learning { get; init; }

    /// <summary>Of old recipes: whether PTQ4VM does what its authors' code does.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Official { get; init; }

    /// <summary>Of old recipes: the share of values below the upper end of the range.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Percentile { get; init; }

    /// <summary>The document of a recipe.</summary>
    public static RecipeDocument Of(Recipe recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        return new()
        {
            Method = recipe.Method,
            Settings = recipe.Settings is { } settings
                ? ElementOf(QuantizationMethod.Find(recipe.Method).WriteSettings(settings))
                : null,
            Estimator = recipe.Estimator is { } estimator ? EstimatorDocument.Of(estimator) : null,
            Bits = recipe.Bits,
            Scope = recipe.Scope,
            ActivationGranularity = recipe.ActivationGranularity,
            TimeGroups = recipe.TimeGroups,
            Decay = recipe.Decay,
            Overrides = recipe.Overrides,
        };
    }

    /// <summary>The recipe, with the checks of <see cref="Recipe.Validate"/>.</summary>
    /// <param name="isOfOldFile">
    /// Whether it is of a file from before settings: it may hold smoothing and a percentile that its method lacks.
    /// </param>
    /// <exception cref="BitisException">There is no such method, or it does not have a setting.</exception>
    public Recipe ToRecipe(bool isOfOldFile = false)
    {
        QuantizationMethod method = QuantizationMethod.Find(Method);
        JsonObject settings = SettingsOf(method, isOfOldFile);
        var recipe = new Recipe
        {
            Method = Method,
            Settings = Settings is null && settings.Count == 0 ? null : method.ReadSettings(settings),
            Estimator = Estimator?.ToChoice(),
            Bits = Bits,
            Scope = Scope,
            ActivationGranularity = ActivationGranularity,
            TimeGroups = TimeGroups,
            Decay = Decay,
            Overrides = Overrides,
        };
        recipe.Validate();
        return recipe;
    }

    /// <summary>A JSON object with what it has.</summary>
    /// <exception cref="BitisException">It is no object.</exception>
    internal static JsonObject ObjectOf(JsonElement settings) => settings.ValueKind == JsonValueKind.Object
        ? JsonObject.Create(settings)!
        : throw new BitisException(
            $"'settings' is {settings.GetRawText()}; expected an object such as {{ \"alpha\": 0.5 }}.");

    private JsonObject SettingsOf(QuantizationMethod method, bool isOfOldFile)
    {
        var old = new JsonObject();
        Add("alpha", Alpha);
        Add("smoothing", Smoothing);
        if (Learning is not null)
            Add("learning", JsonSerializer.SerializeToNode(Learning, SettingsJson.Default.LearningRecipe));
        Add("official", Official);
        Add("percentile", Percentile);
        if (Settings is not { } settings)
        {
            // What every old recipe said, whatever its method.
            Drop("smoothing", isOfOldFile || Smoothing == true);
            Drop("official", Official == false);
            Drop("percentile", isOfOldFile || Percentile == OldPercentile);
            return old;
        }
        return old.Count == 0
            ? ObjectOf(settings)
            : throw new BitisException($"'{old.First().Key}' is for recipes without 'settings': move it into them.");

        void Add(string name, JsonNode? value)
        {
            if (value is not null)
                old.Add(name, value);
        }

        void Drop(string name, bool mayBeIdle)
        {
            if (mayBeIdle && !method.SettingNames.Contains(name))
                old.Remove(name);
        }
    }

    /// <summary>An object as an element.</summary>
    internal static JsonElement ElementOf(JsonObject value)
    {
        using var document = JsonDocument.Parse(value.ToJsonString());
        return document.RootElement.Clone();
    }
}
