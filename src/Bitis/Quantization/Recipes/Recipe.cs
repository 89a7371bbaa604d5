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
/// Says how to quantize a model: everything that a result depends on besides the model and the calibration images.
/// </summary>
[JsonConverter(typeof(RecipeJson))]
public sealed record Recipe
{
    /// <summary>
    /// The fewest bits, without an override, of the layer that sees the image and of the one that gives the logits.
    /// </summary>
    private const int EdgeBits = 8;

    /// <summary>The method's name: one of <see cref="QuantizationMethod.Names"/>.</summary>
    public string Method { get; init; } = "mse";

    /// <summary>The method's own settings, of the record that it has for them; null for the usual ones.</summary>
    public MethodSettings? Settings { get; init; }

    /// <summary>What decides ranges in place of the method's own estimator; null for that.</summary>
    public EstimatorChoice? Estimator { get; init; }

    /// <summary>Bits of weights and activations.</summary>
    public BitWidths Bits { get; init; } = new(8, 8);

    /// <summary>Which sites are quantized.</summary>
    public Scope Scope { get; init; } = Scope.Linear;

    /// <summary>
    /// Which values of an activation share a scale: <see cref="Granularity.PerTensor"/> or
    /// <see cref="Granularity.PerToken"/>; null for what is usual for the method.
    /// </summary>
    public Granularity? ActivationGranularity { get; init; }

    /// <summary>
    /// Inside of scans: how many groups of tokens a hidden state has scales for; null for what is usual for the method.
    /// </summary>
    public int? TimeGroups { get; init; }

    /// <summary>Inside of scans: how levels of Ā may be spread; null for what is usual for the method.</summary>
    public DecaySpacing? Decay { get; init; }

    /// <summary>Exceptions by pattern; the first that matches an operator decides.</summary>
    public IReadOnlyList<SiteOverride> Overrides { get; init; } = [];

    /// <summary>Which values of an activation share a scale, the method's usual choice included.</summary>
    [JsonIgnore]
    public Granularity Granularity => ActivationGranularity ?? Behavior.Granularity;

    /// <summary>How the inside of scans is quantized, the method's usual choices included.</summary>
    [JsonIgnore]
    public ScanMethod Scan
    {
        get
        {
            ScanMethod scan = Behavior.Scan;
            return scan with { TimeGroups = TimeGroups ?? scan.TimeGroups, Decay = Decay ?? scan.Decay };
        }
    }

    /// <summary>What the method does with the settings.</summary>
    internal MethodBehavior Behavior => QuantizationMethod.Find(Method).Behavior(Settings, Scope);

    /// <summary>Whether the insides of scans are quantized.</summary>
    [JsonIgnore]
    public bool CoversScans => Scope is Scope.Ssm or Scope.Full;

    /// <summary>This recipe with some of its method's settings changed.</summary>
    /// <param name="changes">
    /// New values by name, as in JSON; of a record within, too, only some may be there:
    /// <c>{ "learning": { "steps": 10 } }</c>.
    /// </param>
    /// <exception cref="BitisException">The method has no such setting, or it does not take the value.</exception>
    public Recipe WithSettings(JsonObject changes)
    {
        ArgumentNullException.ThrowIfNull(changes);
        return this with { Settings = QuantizationMethod.Find(Method).ReadSettings(changes, Settings) };
    }

    /// <summary>This recipe with another method, which gets the settings that are not as usual.</summary>
    /// <exception cref="BitisException">There is no such method, or it does not have one of the settings.</exception>
    public Recipe WithMethod(string method)
    {
        JsonObject settings = SettingChanges();
        Recipe usual = this with { Method = method, Settings = null };
        return settings.Count == 0 ? usual : usual.WithSettings(settings);
    }

    /// <summary>The settings that are not as usual for the method, by name, as in JSON.</summary>
    public JsonObject SettingChanges() => QuantizationMethod.Find(Method).ChangesOf(Settings);

    /// <summary>The operators that this recipe quantizes, with their bits.</summary>
    /// <exception cref="BitisException">
    /// Nothing is in the scope, an override matches nothing there, or something that the recipe says has no effect on
    /// the model.
    /// </exception>
    public IReadOnlyList<(Node Node, BitWidths Bits)> Select(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        IdleMembers.Refuse(this, graph);
        Node[] inScope =
        [
            .. graph.Nodes.Where(node => Scope == Scope.Full
                ? QuantizedLayer.Covers(node.Operator)
                : graph.IsInBlock(node) && node.IsLinear),
        ];
        bool hasScans = CoversScans && Bits.Activations != BitWidths.Float
            && graph.Nodes.Any(node => node.Operator.ScanSize is not null);
        string scope = Scope.ToString().ToLowerInvariant();
        if (inScope.Length == 0 && (Overrides.Count > 0 || !hasScans))
        {
            throw new BitisException(Scope == Scope.Full
                ? "The model has no layer that scope 'full' quantizes"
                    + $"{(hasScans ? ", so no override matches one" : "")}."
                : $"The model has no linear layer in a block, so there is none in scope '{scope}'"
                    + (hasScans ? ", and no override matches one." : "; scope 'full' takes all layers."));
        }
        foreach (SiteOverride entry in Overrides)
        {
            if (!inScope.Any(node => entry.Matches(node.Name)))
            {
                throw new BitisException(
                    $"The override '{entry.Pattern}' matches no operator in scope '{scope}'; "
                    + $"their names are like '{inScope[0].Name}' (bitis inspect --nodes lists them).");
            }
        }
        return [.. inScope.Select(node => (node, BitsOf(node, graph))).Where(pair => pair.Item2 != BitWidths.None)];
    }

    /// <summary>Which values of a layer's input share a scale.</summary>
    /// <remarks>
    /// Convolutions sum over tokens, so their inputs have one scale; one that takes each channel by itself can have one
    /// for each channel at no cost, and does where linear layers have one for each token.
    /// </remarks>
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
    /// How many neighbouring channels of a layer's input a Hadamard transform mixes before they are quantized, where
    /// the method does so: those of what a scan computed, on its way out of the block; else 1.
    /// </summary>
    public int RotationOf(Node node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return Behavior.Rotates && node.IsLinear && ReadsScan(node)
            ? Rotation.OrderFor(node.Operator.Product!.Inputs)
            : 1;

        static bool ReadsScan(Node node) => node.Inputs.Any(
            input => input.Operator.ScanSize is not null || (input.Operator.PassesScanOn && ReadsScan(input)));
    }

    /// <summary>Checks what the types cannot.</summary>
    /// <exception cref="BitisException">A value is out of its range.</exception>
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

    /// <summary>Records compare lists by reference; recipes compare by what they say.</summary>
    public bool Equals(Recipe? other) =>
        other is not null && Method == other.Method && Equals(Settings, other.Settings) && Estimator == other.Estimator
        && Bits == other.Bits && Scope == other.Scope && ActivationGranularity == other.ActivationGranularity
        && TimeGroups == other.TimeGroups && Decay == other.Decay && Overrides.SequenceEqual(other.Overrides);

    /// <inheritdoc />
    public override int GetHashCode() =>
        HashCode.Combine(Method, Settings, Bits, Scope, ActivationGranularity, Overrides.Count);

    /// <summary>What decides the ranges that scales start with.</summary>
    internal IRangeEstimator CreateEstimator()
    {
        if (Estimator is not { } choice)
            return new CheckedEstimator($"method '{Method}'", Behavior.Estimator);
        IRangeEstimator estimator = RangeEstimatorKind.Find(choice.Name).CreateEstimator(choice.Settings);
        return new CheckedEstimator($"estimator '{choice.Name}'", estimator);
    }

    private BitWidths BitsOf(Node node, Graph graph)
    {
        if (Overrides.FirstOrDefault(entry => entry.Matches(node.Name)) is { } entry)
            return entry.Bits;
        bool isFirstOrLast = node == graph.Output || node.Inputs[0] == graph.Input;
        return isFirstOrLast
            ? new BitWidths(Math.Max(Bits.Weights, EdgeBits), Math.Max(Bits.Activations, EdgeBits))
            : Bits;
    }
}
