using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Quantization;
using Bitis.Quantization.Estimators;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;

namespace Bitis;

/// <summary>
/// How to quantize a model: everything that a result depends on, besides model and calibration images.
/// </summary>
[JsonConverter(typeof(RecipeJson))]
public sealed record Recipe
{
    /// <summary>The method's name: one of <see cref="QuantizationMethod.Names"/>.</summary>
    public string Method { get; init; } = "mse";

    /// <summary>The method's settings; null for the usual ones.</summary>
    public MethodSettings? Settings { get; init; }

    /// <summary>The range estimator; null for the method's own.</summary>
    public EstimatorChoice? Estimator { get; init; }

    /// <summary>Bits of weights and activations.</summary>
    public BitWidths Bits { get; init; } = new(8, 8);

    /// <summary>Which sites are quantized.</summary>
    public Scope Scope { get; init; } = Scope.Linear;

    /// <summary>
    /// The granularity of activations, <see cref="Granularity.PerTensor"/> or <see cref="Granularity.PerToken"/>; null
    /// for the method's usual choice.
    /// </summary>
    public Granularity? ActivationGranularity { get; init; }

    /// <summary>The number of token groups that have scales of their own for a scan's hidden state.</summary>
    /// <remarks>Null for the usual number of the method.</remarks>
    public int? TimeGroups { get; init; }

    /// <summary>The spacing of the levels of Ā in scans; null for the method's usual choice.</summary>
    public DecaySpacing? Decay { get; init; }

    /// <summary>Other bits or scopes for some layers and scans, by pattern; the first match applies.</summary>
    public IReadOnlyList<SiteOverride> Overrides { get; init; } = [];

    /// <summary>The recipe in a few words, with at most one of its overrides.</summary>
    internal string ShortName
    {
        get
        {
            string name = $"{Method} {Bits} {Scope.ToString().ToLowerInvariant()}";
            return Overrides.Count switch
            {
                0 => name,
                1 => $"{name}, {Overrides[0]}",
                var count => $"{name}, {count} overrides",
            };
        }
    }

    /// <summary>The granularity of activations: that of the recipe, or the method's usual choice.</summary>
    /// <exception cref="BitisException">The method is unknown, or the settings are another method's.</exception>
    [JsonIgnore]
    public Granularity Granularity => ActivationGranularity ?? Behavior.Granularity;

    /// <summary>How scans are quantized, by the recipe and the method's usual choices.</summary>
    /// <exception cref="BitisException">The method is unknown, or the settings are another method's.</exception>
    [JsonIgnore]
    public ScanMethod Scan
    {
        get
        {
            ScanMethod scan = Behavior.Scan;
            return scan with { TimeGroups = TimeGroups ?? scan.TimeGroups, Decay = Decay ?? scan.Decay };
        }
    }

    /// <summary>The behavior of the method with the settings.</summary>
    internal MethodBehavior Behavior => QuantizationMethod.Find(Method).Behavior(Settings, WidestScope);

    /// <summary>Whether the insides of scans are quantized, of all or of those that an override names.</summary>
    [JsonIgnore]
    public bool CoversScans => SiteSelection.CoversScans(WidestScope);

    /// <summary>The recipe's scope, or a wider one of an override.</summary>
    private Scope WidestScope => Overrides.Select(entry => entry.Scope ?? Scope).Append(Scope).Max();

    /// <summary>This recipe with some of its method's settings changed.</summary>
    /// <param name="changes">
    /// New values by name, as in JSON. Nested records may be partial, too: <c>{ "learning": { "steps": 10 } }</c>.
    /// </param>
    /// <exception cref="BitisException">The method has no such setting, or the value is invalid.</exception>
    public Recipe WithSettings(JsonObject changes)
    {
        ArgumentNullException.ThrowIfNull(changes);
        return this with { Settings = QuantizationMethod.Find(Method).ReadSettings(changes, Settings) };
    }

    /// <summary>
    /// This recipe with another method, which takes over the settings that differ from the usual ones.
    /// </summary>
    /// <exception cref="BitisException">The method is unknown, or does not have one of the settings.</exception>
    public Recipe WithMethod(string method)
    {
        JsonObject settings = SettingChanges();
        Recipe usual = this with { Method = method, Settings = null };
        return settings.Count == 0 ? usual : usual.WithSettings(settings);
    }

    /// <summary>The settings that differ from the method's usual ones, by name, as in JSON.</summary>
    /// <exception cref="BitisException">The method is unknown, or the settings are another method's.</exception>
    public JsonObject SettingChanges() => QuantizationMethod.Find(Method).ChangesOf(Settings);

    /// <summary>The layers that this recipe quantizes, with their bits.</summary>
    /// <exception cref="BitisException">
    /// The scope is empty, an override matches nothing in it, or a member of the recipe has no effect on the model.
    /// </exception>
    public IReadOnlyList<(Node Node, BitWidths Bits)> Select(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return new SiteSelection(this, graph).Layers;
    }

    /// <summary>The granularity of a layer's input.</summary>
    /// <remarks>
    /// Convolutions sum over tokens, so their inputs have one scale. A depthwise convolution can have one for each
    /// channel at no cost, and has if linear layers have one for each token.
    /// </remarks>
    /// <exception cref="BitisException">The method is unknown, or the settings are another method's.</exception>
    public Granularity GranularityOf(Node node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.Operator.FinestScales switch
        {
            InputScales.Tokens => Granularity,
            InputScales.Channels when Granularity == Granularity.PerToken => Granularity.PerChannel,
            _ => Granularity.PerTensor,
        };
    }

    /// <summary>
    /// How many neighbouring input channels of a layer a Hadamard transform mixes before quantization; 1 for none.
    /// </summary>
    /// <remarks>Only some methods do so, and only for layers that read the result of a scan.</remarks>
    /// <exception cref="BitisException">The method is unknown, or the settings are another method's.</exception>
    public int RotationOf(Node node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return Behavior.Rotates && node.IsLinear && ReadsScan(node)
            ? Rotation.OrderFor(node.Operator.Product!.Inputs)
            : 1;

        static bool ReadsScan(Node node) => node.Inputs.Any(
            input => input.Operator.ScanSize is not null || (input.Operator.PassesScanOn && ReadsScan(input)));
    }

    /// <summary>Checks the values.</summary>
    /// <exception cref="BitisException">A value is out of range.</exception>
    public void Validate()
    {
        if (!Enum.IsDefined(Scope))
            throw new BitisException($"There is no scope '{Scope}'.");
        if (
            ActivationGranularity is not (
                null or Quantization.Recipes.Granularity.PerTensor or Quantization.Recipes.Granularity.PerToken))
        {
            throw new BitisException("Activations are quantized per tensor or per token; per channel is for weights.");
        }

        foreach ((int index, SiteOverride entry) in Overrides.Index())
        {
            if (entry is { Bits: null, Scope: null })
                throw new BitisException($"overrides[{index}], '{entry.Pattern}', has neither bits nor a scope.");
            if (entry.Scope is { } scope && !Enum.IsDefined(scope))
                throw new BitisException($"There is no scope '{scope}'.");
        }
        QuantizationMethod.Find(Method).Validate(Settings);
        CreateEstimator();
        if (!CoversScans && (TimeGroups is not null || Decay is not null))
        {
            throw new BitisException(
                "Groups of tokens and the spread of Ā's levels are for the inside of scans: scopes 'ssm' and 'full'.");
        }

        if (TimeGroups is { } groups && !(groups is >= 1 and <= 4096))
            throw new BitisException($"{groups} groups of tokens; expected 1 to 4096.");
        if (Decay is { } decay && !Enum.IsDefined(decay))
            throw new BitisException($"There is no spread of levels '{decay}'.");
    }

    /// <summary>Whether two recipes are the same, with lists compared by value.</summary>
    public bool Equals(Recipe? other) =>
        other is not null && Method == other.Method && Equals(Settings, other.Settings) && Estimator == other.Estimator
        && Bits == other.Bits && Scope == other.Scope && ActivationGranularity == other.ActivationGranularity
        && TimeGroups == other.TimeGroups && Decay == other.Decay && Overrides.SequenceEqual(other.Overrides);

    /// <inheritdoc />
    public override int GetHashCode() =>
        HashCode.Combine(Method, Settings, Bits, Scope, ActivationGranularity, Overrides.Count);

    /// <summary>Creates the estimator of the ranges that scales start with.</summary>
    internal IRangeEstimator CreateEstimator()
    {
        if (Estimator is not { } choice)
            return new CheckedEstimator($"method '{Method}'", Behavior.Estimator);
        IRangeEstimator estimator = RangeEstimatorKind.Find(choice.Name).CreateEstimator(choice.Settings);
        return new CheckedEstimator($"estimator '{choice.Name}'", estimator);
    }
}
