using System.Text.Json.Serialization;
using Bitis.Graphs;
using Bitis.Operators;

namespace Bitis.Quantization;

/// <summary>Says how to quantize a model: everything that a result depends on besides the model and the calibration images.</summary>
public sealed record Recipe
{
    /// <summary>The fewest bits, without an override, of the layer that sees the image and of the one that gives the logits.</summary>
    private const int EdgeBits = 8;

    /// <summary>The method's name: one of <see cref="QuantizationMethods.Names"/>.</summary>
    public string Method { get; init; } = "mse";

    /// <summary>Bits of weights and activations.</summary>
    public BitWidths Bits { get; init; } = new(8, 8);

    /// <summary>Which sites are quantized.</summary>
    public Scope Scope { get; init; } = Scope.Linear;

    /// <summary>
    /// Which values of an activation share a scale: <see cref="Granularity.PerTensor"/> or <see cref="Granularity.PerToken"/>;
    /// null for what is usual for the method.
    /// </summary>
    public Granularity? ActivationGranularity { get; init; }

    /// <summary>
    /// For methods that smooth: the exponent α of <c>m_j = (max |x_j|)^α / (max |w_j|)^(1−α)</c>, from 0 to 1; null for what is usual
    /// for the method.
    /// </summary>
    public double? Alpha { get; init; }

    /// <summary>Whether methods that smooth do so; false shows what it is worth.</summary>
    public bool Smoothing { get; init; } = true;

    /// <summary>For methods that learn: how; null for what is usual for the method.</summary>
    public LearningRecipe? Learning { get; init; }

    /// <summary>For <c>ptq4vm</c>: what its authors' code does wherever that differs from the paper's intent (docs/ptq4vm.md).</summary>
    public bool Official { get; init; }

    /// <summary>For the method <c>percentile</c>: the share of the values, in percent, that is below the upper end of the range.</summary>
    public double Percentile { get; init; } = 99.99;

    /// <summary>Inside of scans: how many groups of tokens a hidden state has scales for; null for what is usual for the method.</summary>
    public int? TimeGroups { get; init; }

    /// <summary>Inside of scans: how levels of Ā may be spread; null for what is usual for the method.</summary>
    public DecayGrid? Decay { get; init; }

    /// <summary>Exceptions by pattern; the first that matches an operator decides.</summary>
    public IReadOnlyList<SiteOverride> Overrides { get; init; } = [];

    /// <summary>Which values of an activation share a scale, the method's usual choice included.</summary>
    [JsonIgnore]
    public Granularity Granularity => ActivationGranularity ?? QuantizationMethods.Find(Method).Granularity;

    /// <summary>How the inside of scans is quantized, the method's usual choices included.</summary>
    [JsonIgnore]
    public ScanMethod Scan
    {
        get
        {
            ScanMethod scan = QuantizationMethods.Find(Method).Scan;
            return scan with { TimeGroups = TimeGroups ?? scan.TimeGroups, Decay = Decay ?? scan.Decay };
        }
    }

    /// <summary>Whether the insides of scans are quantized.</summary>
    [JsonIgnore]
    public bool CoversScans => Scope is Scope.Ssm or Scope.Full;

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
            .. graph.Nodes.Where(node => Scope == Scope.Full ? QuantizedLayer.Covers(node.Operator) : graph.IsInBlock(node) && node.Operator is Linear),
        ];
        bool hasScans = CoversScans && Bits.Activations != BitWidths.Float && graph.Nodes.Any(node => node.Operator is SelectiveScan);
        string scope = Scope.ToString().ToLowerInvariant();
        if (inScope.Length == 0 && (Overrides.Count > 0 || !hasScans))
        {
            throw new BitisException(Scope == Scope.Full
                ? $"The model has no layer that scope 'full' quantizes{(hasScans ? ", so no override matches one" : "")}."
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

    /// <summary>
    /// Which values of a layer's input share a scale. Convolutions sum over tokens, so their inputs have one scale; one that takes each
    /// channel by itself can have one for each channel at no cost, and does where linear layers have one for each token.
    /// </summary>
    public Granularity GranularityOf(Node node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.Operator switch
        {
            Linear => Granularity,
            CausalConv1d or DepthwiseConv2d when Granularity == Granularity.PerToken => Granularity.PerChannel,
            _ => Granularity.PerTensor,
        };
    }

    /// <summary>
    /// How many neighbouring channels of a layer's input a Hadamard transform mixes before they are quantized, where the method does so:
    /// those of what a scan computed, on its way out of the block; else 1.
    /// </summary>
    public int RotationOf(Node node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return QuantizationMethods.Find(Method).Rotates && node.Operator is Linear linear && ReadsScan(node) ? Rotation.OrderFor(linear.InFeatures) : 1;

        static bool ReadsScan(Node node) => node.Inputs.Any(
            input => input.Operator is SelectiveScan || (input.Operator is not (Linear or MeanOfNorms) && ReadsScan(input)));
    }

    /// <summary>Checks what the types cannot.</summary>
    /// <exception cref="BitisException">A value is out of its range.</exception>
    public void Validate()
    {
        QuantizationMethod method = QuantizationMethods.Find(Method);
        method.CreateEstimator(this);
        if (!Enum.IsDefined(Scope))
            throw new BitisException($"There is no scope '{Scope}'.");
        if (ActivationGranularity is not (null or Quantization.Granularity.PerTensor or Quantization.Granularity.PerToken))
            throw new BitisException("Activations are quantized per tensor or per token; per channel is for weights.");
        if (!(Percentile is > 50 and <= 100))
            throw new BitisException($"A percentile of {Percentile} does not make a range: expected more than 50, at most 100.");
        if (Alpha is { } alpha && !(alpha is >= 0 and <= 1))
            throw new BitisException($"The smoothing exponent alpha is {alpha}; expected 0 to 1.");
        if (Alpha is not null && !method.Smooths)
            throw new BitisException($"The method '{Method}' does not smooth, so it takes no alpha; {QuantizationMethods.Having(m => m.Smooths)} do.");
        if (Learning is not null && !method.Learns)
            throw new BitisException($"The method '{Method}' learns nothing, so it takes no steps; {QuantizationMethods.Having(m => m.Learns)} do.");
        Learning?.Validate();
        if (!CoversScans && (TimeGroups is not null || Decay is not null))
            throw new BitisException("Groups of tokens and the spread of Ā's levels are for the inside of scans: scopes 'ssm' and 'full'.");
        if (TimeGroups is { } groups && !(groups is >= 1 and <= 4096))
            throw new BitisException($"{groups} groups of tokens; expected 1 to 4096.");
        if (Decay is { } decay && !Enum.IsDefined(decay))
            throw new BitisException($"There is no spread of levels '{decay}'.");
        if (Official && Method != "ptq4vm")
            throw new BitisException($"'official' is for the method ptq4vm, not for '{Method}'.");
    }

    /// <summary>Records compare lists by reference; recipes compare by what they say.</summary>
    public bool Equals(Recipe? other) =>
        other is not null && Method == other.Method && Bits == other.Bits && Scope == other.Scope
        && Alpha.Equals(other.Alpha) && Smoothing == other.Smoothing && Learning == other.Learning && Official == other.Official
        && TimeGroups == other.TimeGroups && Decay == other.Decay
        && ActivationGranularity == other.ActivationGranularity && Percentile.Equals(other.Percentile)
        && Overrides.SequenceEqual(other.Overrides);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Method, Bits, Scope, ActivationGranularity, Percentile, Overrides.Count);

    private BitWidths BitsOf(Node node, Graph graph)
    {
        if (Overrides.FirstOrDefault(entry => entry.Matches(node.Name)) is { } entry)
            return entry.Bits;
        bool isFirstOrLast = node == graph.Output || node.Inputs[0] == graph.Input;
        return isFirstOrLast ? new BitWidths(Math.Max(Bits.Weights, EdgeBits), Math.Max(Bits.Activations, EdgeBits)) : Bits;
    }
}
