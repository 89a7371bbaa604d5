using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Bitis.Json;
using Bitis.Quantization.Recipes;

namespace Bitis.Quantization.Methods;

/// <summary>A method that recipes can name, with its settings. <see cref="Register"/> adds one.</summary>
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

    /// <summary>All methods: those of Bitis, the simplest first, then registered ones.</summary>
    public static IReadOnlyList<QuantizationMethod> All => Known.All;

    /// <summary>The names of all methods.</summary>
    public static IReadOnlyList<string> Names => Known.Names;

    /// <summary>The name in recipes and on the command line.</summary>
    public string Name { get; }

    /// <summary>A short description.</summary>
    public string Summary { get; }

    /// <summary>The settings of a recipe that does not set any.</summary>
    public MethodSettings UsualSettings => _settings.Usual;

    /// <summary>The names of its settings in recipes.</summary>
    public IReadOnlyList<string> SettingNames => _settings.Names;

    /// <summary>The method with a name.</summary>
    /// <exception cref="BitisException">The name is unknown; the message lists the methods.</exception>
    public static QuantizationMethod Find(string name) => Known.Find(name);

    /// <summary>Registers a method for all recipes and files of this process (docs/custom-methods.md).</summary>
    /// <exception cref="ArgumentException">The name is already registered.</exception>
    public static void Register(QuantizationMethod method) => Known.Register(method);

    /// <summary>Creates a method with settings.</summary>
    /// <typeparam name="TSettings">The type of the settings; a new instance has the usual values.</typeparam>
    /// <param name="name">The name in recipes: letters, digits, <c>+</c>, <c>-</c>, <c>_</c> and <c>.</c>.</param>
    /// <param name="summary">A short description.</param>
    /// <param name="json">
    /// How settings are read and written, with strict options (<c>JsonSerializerDefaults.Strict</c>, a
    /// <c>MaxDepth</c>).
    /// </param>
    /// <param name="behavior">
    /// The behavior with settings, in a scope. It must be the same for the same arguments.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The name has other characters, or the options of the JSON are not strict.
    /// </exception>
    public static QuantizationMethod Create<TSettings>(
        string name, string summary, JsonTypeInfo<TSettings> json, Func<TSettings, Scope, MethodBehavior> behavior)
        where TSettings : MethodSettings, new()
    {
        ArgumentNullException.ThrowIfNull(behavior);
        string owner = $"method '{RegisteredName.Checked(name)}'";
        SettingsForm<MethodSettings> form = SettingsForm<MethodSettings>.Create(owner, json);
        return new QuantizationMethod(name, summary, form, (settings, scope) => behavior((TSettings)settings, scope));
    }

    /// <summary>Creates a method without settings.</summary>
    /// <inheritdoc cref="Create{TSettings}" />
    public static QuantizationMethod Create(string name, string summary, Func<Scope, MethodBehavior> behavior)
    {
        ArgumentNullException.ThrowIfNull(behavior);
        return Create(name, summary, SettingsJson.Default.NoSettings, (_, scope) => behavior(scope));
    }

    /// <summary>The behavior with settings; null for the usual ones.</summary>
    internal MethodBehavior Behavior(MethodSettings? settings, Scope scope)
    {
        MethodBehavior behavior = _behavior(_settings.Checked(settings), scope)
            ?? throw new BitisException($"The behavior function of the method '{Name}' returned null.");
        behavior.Validate(Name);
        return behavior;
    }

    /// <summary>Checks settings of a recipe.</summary>
    /// <exception cref="BitisException">The settings are another method's, or a value is out of range.</exception>
    internal void Validate(MethodSettings? settings) => _settings.Checked(settings).Validate();

    /// <inheritdoc cref="SettingsForm{TBase}.Read" />
    internal MethodSettings ReadSettings(JsonObject changes, MethodSettings? from = null) =>
        _settings.Read(changes, from);

    /// <inheritdoc cref="SettingsForm{TBase}.Write" />
    internal JsonObject WriteSettings(MethodSettings settings) => _settings.Write(settings);

    /// <inheritdoc cref="SettingsForm{TBase}.Changes" />
    internal JsonObject ChangesOf(MethodSettings? settings) => settings is null ? [] : _settings.Changes(settings);
}
