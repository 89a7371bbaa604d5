using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Bitis.Json;
using Bitis.Quantization.Recipes;

namespace Bitis.Quantization.Estimators;

/// <summary>A range estimator that recipes can name, with its settings. <see cref="Register"/> adds one.</summary>
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

    /// <summary>All estimators: those of Bitis, then registered ones.</summary>
    public static IReadOnlyList<RangeEstimatorKind> All => Known.All;

    /// <summary>The names of all estimators.</summary>
    public static IReadOnlyList<string> Names => Known.Names;

    /// <summary>The name in recipes.</summary>
    public string Name { get; }

    /// <summary>A short description of the ranges that it finds.</summary>
    public string Summary { get; }

    /// <summary>The names of its settings in recipes.</summary>
    public IReadOnlyList<string> SettingNames => _settings.Names;

    /// <summary>The estimator with a name.</summary>
    /// <exception cref="BitisException">The name is unknown; the message lists the estimators.</exception>
    public static RangeEstimatorKind Find(string name) => Known.Find(name);

    /// <summary>Registers an estimator for all recipes and files of this process (docs/custom-methods.md).</summary>
    /// <exception cref="ArgumentException">The name is already registered.</exception>
    public static void Register(RangeEstimatorKind estimator) => Known.Register(estimator);

    /// <summary>Creates an estimator kind with settings.</summary>
    /// <typeparam name="TSettings">The type of the settings; a new instance has the usual values.</typeparam>
    /// <param name="name">The name in recipes: letters, digits, <c>+</c>, <c>-</c>, <c>_</c> and <c>.</c>.</param>
    /// <param name="summary">A short description of the ranges that it finds.</param>
    /// <param name="json">
    /// How settings are read and written, with strict options (<c>JsonSerializerDefaults.Strict</c>, a
    /// <c>MaxDepth</c>).
    /// </param>
    /// <param name="create">Creates an estimator. Several threads may use it at the same time.</param>
    /// <exception cref="ArgumentException">
    /// The name has other characters, or the options of the JSON are not strict.
    /// </exception>
    public static RangeEstimatorKind Create<TSettings>(
        string name, string summary, JsonTypeInfo<TSettings> json, Func<TSettings, IRangeEstimator> create)
        where TSettings : EstimatorSettings, new()
    {
        ArgumentNullException.ThrowIfNull(create);
        string owner = $"estimator '{RegisteredName.Checked(name)}'";
        SettingsForm<EstimatorSettings> form = SettingsForm<EstimatorSettings>.Create(owner, json);
        return new RangeEstimatorKind(name, summary, form, settings => create((TSettings)settings));
    }

    /// <summary>Creates an estimator kind without settings.</summary>
    /// <inheritdoc cref="Create{TSettings}" />
    public static RangeEstimatorKind Create(string name, string summary, Func<IRangeEstimator> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        return Create(name, summary, SettingsJson.Default.NoEstimatorSettings, _ => create());
    }

    /// <summary>Creates an estimator with settings; null for the usual ones.</summary>
    /// <exception cref="BitisException">The settings are another estimator's, or a value is out of range.</exception>
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
