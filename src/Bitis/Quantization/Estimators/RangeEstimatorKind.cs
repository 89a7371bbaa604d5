using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Bitis.Json;
using Bitis.Quantization.Recipes;

namespace Bitis.Quantization.Estimators;

/// <summary>
/// An estimator of ranges that recipes can name, with the settings that it has: <see cref="Register"/> adds one.
/// </summary>
public sealed class RangeEstimatorKind
{
    private static readonly Registry<RangeEstimatorKind> Known = new(
        "estimator",
        $"{nameof(RangeEstimatorKind)}.{nameof(Register)}",
        kind => kind.Name,
        [
            Create("minmax", "the whole range", () => new MinMaxEstimator()),
            Create(
                "percentile",
                "clips the same share of values at both ends",
                SettingsJson.Default.PercentileRange,
                settings => new PercentileEstimator(settings.Percentile)),
            Create("mse", "least squared error", () => new MseEstimator()),
            Create(
                "truncation",
                "least error to the power of 2.4 of ranges cut at both ends",
                () => new TruncationEstimator()),
        ]);

    private readonly SettingsForm<EstimatorSettings> _settings;
    private readonly Func<EstimatorSettings, IRangeEstimator> _create;

    private RangeEstimatorKind(
        string name,
        string summary,
        SettingsForm<EstimatorSettings> settings,
        Func<EstimatorSettings, IRangeEstimator> create)
    {
        Name = name;
        Summary = summary;
        _settings = settings;
        _create = create;
    }

    /// <summary>All estimators: ours, then those that were registered.</summary>
    public static IReadOnlyList<RangeEstimatorKind> All => Known.All;

    /// <summary>The names of all estimators.</summary>
    public static IReadOnlyList<string> Names => Known.Names;

    /// <summary>As recipes write it.</summary>
    public string Name { get; }

    /// <summary>Which ranges it finds, in a few words.</summary>
    public string Summary { get; }

    /// <summary>The names of its settings, as recipes write them.</summary>
    public IReadOnlyList<string> SettingNames => _settings.Names;

    /// <summary>The estimator with a name.</summary>
    /// <exception cref="BitisException">There is no such estimator; the message lists them.</exception>
    public static RangeEstimatorKind Find(string name) => Known.Find(name);

    /// <summary>
    /// Adds an estimator from outside, for all recipes and files of this process (docs/custom-methods.md).
    /// </summary>
    /// <exception cref="ArgumentException">There is an estimator of that name.</exception>
    public static void Register(RangeEstimatorKind estimator) => Known.Register(estimator);

    /// <summary>Describes an estimator with settings.</summary>
    /// <typeparam name="TSettings">The settings; a new one has the usual values.</typeparam>
    /// <param name="name">As recipes write it: letters, digits, <c>+</c>, <c>-</c>, <c>_</c> and <c>.</c>.</param>
    /// <param name="summary">Which ranges it finds, in a few words.</param>
    /// <param name="json">
    /// How they are read and written, by strict options (<c>JsonSerializerDefaults.Strict</c>, a <c>MaxDepth</c>).
    /// </param>
    /// <param name="create">Creates an estimator; several threads may use it at once.</param>
    /// <exception cref="ArgumentException">The name has other characters, or the JSON is not strict.</exception>
    public static RangeEstimatorKind Create<TSettings>(
        string name, string summary, JsonTypeInfo<TSettings> json, Func<TSettings, IRangeEstimator> create)
        where TSettings : EstimatorSettings, new()
    {
        ArgumentNullException.ThrowIfNull(create);
        string owner = $"estimator '{RegisteredName.Checked(name)}'";
        SettingsForm<EstimatorSettings> form = SettingsForm<EstimatorSettings>.Create(owner, json);
        return new RangeEstimatorKind(name, summary, form, settings => create((TSettings)settings));
    }

    /// <summary>Describes an estimator without settings.</summary>
    /// <inheritdoc cref="Create{TSettings}" />
    public static RangeEstimatorKind Create(string name, string summary, Func<IRangeEstimator> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        return Create(name, summary, SettingsJson.Default.NoEstimatorSettings, _ => create());
    }

    /// <summary>An estimator with settings or, for null, the usual ones.</summary>
    /// <exception cref="BitisException">They are another estimator's, or a value is out of its range.</exception>
    public IRangeEstimator CreateEstimator(EstimatorSettings? settings = null)
    {
        EstimatorSettings checkedSettings = _settings.Checked(settings);
        checkedSettings.Validate();
        return _create(checkedSettings);
    }

    /// <inheritdoc cref="SettingsForm{TBase}.Read" />
    internal EstimatorSettings ReadSettings(JsonObject changes) => _settings.Read(changes, from: null);

    /// <inheritdoc cref="SettingsForm{TBase}.Write" />
    internal JsonObject WriteSettings(EstimatorSettings settings) => _settings.Write(settings);
}
