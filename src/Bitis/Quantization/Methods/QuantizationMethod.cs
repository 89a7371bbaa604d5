using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Bitis.Json;
using Bitis.Quantization.Recipes;

namespace Bitis.Quantization.Methods;

/// <summary>
/// A method that recipes can name, with the settings that it has: <see cref="Register"/> adds one.
/// </summary>
public sealed class QuantizationMethod
{
    private static readonly Registry<QuantizationMethod> Known =
        new("method", $"{nameof(QuantizationMethod)}.{nameof(Register)}", method => method.Name, BuiltInMethods.All);

    private readonly SettingsForm<MethodSettings> _settings;
    private readonly Func<MethodSettings, Scope, MethodBehavior> _behavior;

    private QuantizationMethod(
        string name,
        string summary,
        SettingsForm<MethodSettings> settings,
        Func<MethodSettings, Scope, MethodBehavior> behavior)
    {
        Name = name;
        Summary = summary;
        _settings = settings;
        _behavior = behavior;
    }

    /// <summary>All methods: ours from the simplest on, then those that were registered.</summary>
    public static IReadOnlyList<QuantizationMethod> All => Known.All;

    /// <summary>The names of all methods.</summary>
    public static IReadOnlyList<string> Names => Known.Names;

    /// <summary>As recipes and the command line write it.</summary>
    public string Name { get; }

    /// <summary>What it does, in a few words.</summary>
    public string Summary { get; }

    /// <summary>The settings where a recipe says nothing of them.</summary>
    public MethodSettings UsualSettings => _settings.Usual;

    /// <summary>The names of its settings, as recipes write them.</summary>
    public IReadOnlyList<string> SettingNames => _settings.Names;

    /// <summary>The method with a name.</summary>
    /// <exception cref="BitisException">There is no such method; the message lists them.</exception>
    public static QuantizationMethod Find(string name) => Known.Find(name);

    /// <summary>
    /// Adds a method from outside, for all recipes and files of this process (docs/custom-methods.md).
    /// </summary>
    /// <exception cref="ArgumentException">There is a method of that name.</exception>
    public static void Register(QuantizationMethod method) => Known.Register(method);

    /// <summary>Describes a method with settings.</summary>
    /// <typeparam name="TSettings">The settings; a new one has the usual values.</typeparam>
    /// <param name="name">As recipes write it: letters, digits, <c>+</c>, <c>-</c>, <c>_</c> and <c>.</c>.</param>
    /// <param name="summary">What it does, in a few words.</param>
    /// <param name="json">
    /// How they are read and written, by strict options (<c>JsonSerializerDefaults.Strict</c>, a <c>MaxDepth</c>).
    /// </param>
    /// <param name="behavior">What it does with settings, in a scope. It must give the same for the same.</param>
    /// <exception cref="ArgumentException">The name has other characters, or the JSON is not strict.</exception>
    public static QuantizationMethod Create<TSettings>(
        string name, string summary, JsonTypeInfo<TSettings> json, Func<TSettings, Scope, MethodBehavior> behavior)
        where TSettings : MethodSettings, new()
    {
        ArgumentNullException.ThrowIfNull(behavior);
        string owner = $"method '{RegisteredName.Checked(name)}'";
        SettingsForm<MethodSettings> form = SettingsForm<MethodSettings>.Create(owner, json);
        return new QuantizationMethod(name, summary, form, (settings, scope) => behavior((TSettings)settings, scope));
    }

    /// <summary>Describes a method without settings.</summary>
    /// <inheritdoc cref="Create{TSettings}" />
    public static QuantizationMethod Create(string name, string summary, Func<Scope, MethodBehavior> behavior)
    {
        ArgumentNullException.ThrowIfNull(behavior);
        return Create(name, summary, SettingsJson.Default.NoSettings, (_, scope) => behavior(scope));
    }

    /// <summary>What it does, with settings or, for null, the usual ones.</summary>
    internal MethodBehavior Behavior(MethodSettings? settings, Scope scope)
    {
        MethodBehavior behavior = _behavior(_settings.Checked(settings), scope)
            ?? throw new BitisException($"The method '{Name}' does not say what it does: its function gave null.");
        behavior.Validate(Name);
        return behavior;
    }

    /// <summary>Checks settings of a recipe.</summary>
    /// <exception cref="BitisException">They are another method's, or a value is out of its range.</exception>
    internal void Validate(MethodSettings? settings) => _settings.Checked(settings).Validate();

    /// <inheritdoc cref="SettingsForm{TBase}.Read" />
    internal MethodSettings ReadSettings(JsonObject changes, MethodSettings? from = null) =>
        _settings.Read(changes, from);

    /// <inheritdoc cref="SettingsForm{TBase}.Write" />
    internal JsonObject WriteSettings(MethodSettings settings) => _settings.Write(settings);

    /// <inheritdoc cref="SettingsForm{TBase}.Changes" />
    internal JsonObject ChangesOf(MethodSettings? settings) => settings is null ? [] : _settings.Changes(settings);
}
