using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Bitis.Json;
using Bitis.Tensors;

namespace Bitis.Models.Families;

/// <summary>
/// Models of one architecture in different sizes: what their checkpoints look like, and how files say their sizes.
/// </summary>
/// <remarks>
/// Derive from <see cref="ModelFamily{TConfig}"/>, and make the family known with <see cref="ModelFamily.Register"/>.
/// </remarks>
public abstract class ModelFamily
{
    private protected ModelFamily(string name) => Name = name;

    /// <summary>What files call the family, in small letters: <c>vim</c>.</summary>
    public string Name { get; }

    /// <summary>The type of its architectures.</summary>
    public abstract Type ConfigType { get; }

    /// <summary>Makes a family known: its files open from now on, and checkpoints of it are recognized.</summary>
    /// <remarks>It is asked after those of Bitis. Register at the program's start, before files are opened.</remarks>
    /// <param name="family">The family.</param>
    /// <exception cref="ArgumentException">There is one of this name, or of these architectures, already.</exception>
    public static void Register(ModelFamily family)
    {
        ArgumentNullException.ThrowIfNull(family);
        ModelFamilies.Add(family);
    }

    /// <summary>Whether a checkpoint that says nothing of itself is one of this family, by its tensors.</summary>
    /// <param name="tensors">Names and shapes.</param>
    public virtual bool Recognizes(IReadOnlyDictionary<string, Shape> tensors) => false;

    /// <summary>How the family's checkpoints once called their tensors: from an old name to today's.</summary>
    /// <param name="names">The names of all tensors of a checkpoint.</param>
    /// <returns>The way to today's names; null if the checkpoint has them already, or is of another family.</returns>
    public virtual Func<string, string>? RenameFrom(IReadOnlyCollection<string> names) => null;

    /// <summary>
    /// Names that tell where a model begins in a file: each checkpoint of the family has one of them.
    /// </summary>
    /// <remarks>
    /// Today's is first. Where one follows a prefix (<c>model.backbone.</c>), the tensors with this prefix are the
    /// model's. Without any, checkpoints are recognized where no prefix but <c>module.</c> or <c>_orig_mod.</c> is in
    /// front.
    /// </remarks>
    public virtual IReadOnlyList<string> Marks => [];

    /// <summary>
    /// Why a checkpoint that looks much like one of this family is none that Bitis runs; null if it does not.
    /// </summary>
    /// <param name="tensors">Names and shapes.</param>
    public virtual string? NearMiss(IReadOnlyDictionary<string, Shape> tensors) => null;

    internal abstract ModelConfig Detect(CheckpointTensors tensors);

    internal abstract IReadOnlyDictionary<string, string> Options(ModelConfig config);

    private protected abstract JsonTypeInfo Form { get; }

    /// <summary>
    /// How an architecture is written among other JSON: as the options for that say, if they know its type.
    /// </summary>
    internal JsonTypeInfo FormIn(JsonSerializerOptions options) =>
        options.TryGetTypeInfo(ConfigType, out JsonTypeInfo? form) ? form : Form;
}

/// <summary>A family whose architectures are records of one type.</summary>
/// <typeparam name="TConfig">The architecture, without types derived from it.</typeparam>
public abstract class ModelFamily<TConfig> : ModelFamily
    where TConfig : ModelConfig
{
    private readonly JsonTypeInfo<TConfig> _json;

    /// <summary>A family.</summary>
    /// <param name="name">What files call it: small letters, digits and hyphens.</param>
    /// <param name="json">
    /// How an architecture is written: a generated serializer with strict options
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

    /// <summary>Reads an architecture off a checkpoint that is one of this family.</summary>
    /// <param name="tensors">The checkpoint.</param>
    /// <exception cref="BitisException">The tensors do not describe a model that Bitis runs.</exception>
    protected virtual TConfig DetectConfig(CheckpointTensors tensors) =>
        throw tensors.Refusal($"models of the family '{Name}' are not read off their tensors.");

    /// <summary>
    /// What options of people mean for this family, and what they would be for an architecture: <c>--stride</c>,
    /// <c>16</c>.
    /// </summary>
    /// <param name="config">The architecture.</param>
    /// <returns>The names of command-line options; those that are missing do not apply.</returns>
    protected virtual IReadOnlyDictionary<string, string> OptionsOf(TConfig config) => new Dictionary<string, string>();

    internal sealed override ModelConfig Detect(CheckpointTensors tensors) => DetectConfig(tensors);

    internal sealed override IReadOnlyDictionary<string, string> Options(ModelConfig config) =>
        OptionsOf((TConfig)config);

    private protected sealed override JsonTypeInfo Form => _json;
}
