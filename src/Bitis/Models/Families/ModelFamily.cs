using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Bitis.Json;
using Bitis.Tensors;

namespace Bitis.Models.Families;

/// <summary>A kind of architecture in different sizes: how its checkpoints look, and how files describe it.</summary>
/// <remarks>
/// Derive from <see cref="ModelFamily{TConfig}"/>, and register the family with <see cref="ModelFamily.Register"/>.
/// </remarks>
public abstract class ModelFamily
{
    private protected ModelFamily(string name) => Name = name;

    /// <summary>The family's name in files, in lower case: <c>vim</c>.</summary>
    public string Name { get; }

    /// <summary>The type of its configs.</summary>
    public abstract Type ConfigType { get; }

    /// <summary>Registers a family. From then on its files can be opened and its checkpoints are recognized.</summary>
    /// <remarks>
    /// Registered families are tried after those of Bitis. Register at the program's start, before files are opened.
    /// </remarks>
    /// <param name="family">The family.</param>
    /// <exception cref="ArgumentException">
    /// A family with this name or this type of config is already registered.
    /// </exception>
    public static void Register(ModelFamily family)
    {
        ArgumentNullException.ThrowIfNull(family);
        ModelFamilies.Add(family);
    }

    /// <summary>Whether a checkpoint without a description is of this family, by its tensors.</summary>
    /// <param name="tensors">Names and shapes.</param>
    public virtual bool Recognizes(IReadOnlyDictionary<string, Shape> tensors) => false;

    /// <summary>A function from the old names of tensors in older checkpoints to the current ones.</summary>
    /// <param name="names">The names of all tensors of a checkpoint.</param>
    /// <returns>The function; null if the checkpoint has current names, or is of another family.</returns>
    public virtual Func<string, string>? RenameFrom(IReadOnlyCollection<string> names) => null;

    /// <summary>
    /// Names of tensors that show where a model begins in a file; each checkpoint of the family has one.
    /// </summary>
    /// <remarks>
    /// The current name is first. If a name follows a prefix (<c>model.backbone.</c>), the tensors with this prefix are
    /// the model's. Without marks, checkpoints are recognized only without a prefix, or with <c>module.</c> or
    /// <c>_orig_mod.</c>.
    /// </remarks>
    public virtual IReadOnlyList<string> Marks => [];

    /// <summary>
    /// The reason why a checkpoint that resembles this family cannot be run; null if it does not resemble it.
    /// </summary>
    /// <param name="tensors">Names and shapes.</param>
    public virtual string? NearMiss(IReadOnlyDictionary<string, Shape> tensors) => null;

    /// <summary>The classes' names, as a checkpoint of the family has them; null if it has none.</summary>
    /// <param name="tensors">The checkpoint.</param>
    internal virtual IReadOnlyList<string>? ClassNamesOf(CheckpointTensors tensors) => null;

    internal abstract ModelConfig Detect(CheckpointTensors tensors);

    internal abstract IReadOnlyDictionary<string, string> Options(ModelConfig config);

    private protected abstract JsonTypeInfo Form { get; }

    /// <summary>How a config is written within other JSON: as its options say, if they know its type.</summary>
    internal JsonTypeInfo FormIn(JsonSerializerOptions options) =>
        options.TryGetTypeInfo(ConfigType, out JsonTypeInfo? form) ? form : Form;
}

/// <summary>A family whose configs are records of one type.</summary>
/// <typeparam name="TConfig">The type of config; derived types do not belong to the family.</typeparam>
public abstract class ModelFamily<TConfig> : ModelFamily
    where TConfig : ModelConfig
{
    private readonly JsonTypeInfo<TConfig> _json;

    /// <summary>Creates a family.</summary>
    /// <param name="name">The name in files: lower-case letters, digits and hyphens.</param>
    /// <param name="json">
    /// How a config is read and written: a generated serializer with strict options
    /// (<c>JsonSerializerDefaults.Strict</c>, a <c>MaxDepth</c> of at most 16).
    /// </param>
    /// <exception cref="ArgumentException">The name has other characters, or the serializer is not strict.</exception>
    protected ModelFamily(string name, JsonTypeInfo<TConfig> json)
        : base(name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(json);
        if (!name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
        {
            throw new ArgumentException(
                $"'{name}' is no name of a family: expected small letters, digits and hyphens.", nameof(name));
        }
        if (!StrictJson.IsStrict(json.Options))
            throw new ArgumentException($"The serializer of {typeof(TConfig).Name} is not strict.", nameof(json));
        _json = json;
    }

    /// <inheritdoc />
    public sealed override Type ConfigType => typeof(TConfig);

    /// <summary>Reads an architecture from a checkpoint that is one of this family.</summary>
    /// <param name="tensors">The checkpoint.</param>
    /// <exception cref="BitisException">The tensors do not describe a model that Bitis runs.</exception>
    protected virtual TConfig DetectConfig(CheckpointTensors tensors) =>
        throw tensors.Refusal($"models of the family '{Name}' cannot be recognized by their tensors.");

    /// <summary>
    /// The command-line options that apply to this family, with their values for a config: <c>--stride</c>, <c>16</c>.
    /// </summary>
    /// <param name="config">The architecture.</param>
    /// <returns>Values by option name; missing options do not apply.</returns>
    protected virtual IReadOnlyDictionary<string, string> OptionsOf(TConfig config) => new Dictionary<string, string>();

    internal sealed override ModelConfig Detect(CheckpointTensors tensors) => DetectConfig(tensors);

    internal sealed override IReadOnlyDictionary<string, string> Options(ModelConfig config) =>
        OptionsOf((TConfig)config);

    private protected sealed override JsonTypeInfo Form => _json;
}
