using Bitis.Graphs;
using Bitis.Operators;

namespace Bitis.Quantization;

/// <summary>Says how to quantize a model: everything that a result depends on besides the model and the calibration images.</summary>
public sealed record Recipe
{
    /// <summary>The method's name: one of <see cref="QuantizationMethods.Names"/>.</summary>
    public string Method { get; init; } = "mse";

    /// <summary>Bits of weights and activations.</summary>
    public BitWidths Bits { get; init; } = new(8, 8);

    /// <summary>Which sites are quantized.</summary>
    public Scope Scope { get; init; } = Scope.Linear;

    /// <summary>Which values of an activation share a scale: <see cref="Granularity.PerTensor"/> or <see cref="Granularity.PerToken"/>.</summary>
    public Granularity ActivationGranularity { get; init; } = Granularity.PerTensor;

    /// <summary>For the method <c>percentile</c>: the share of the values, in percent, that is below the upper end of the range.</summary>
    public double Percentile { get; init; } = 99.99;

    /// <summary>Exceptions by pattern; the first that matches an operator decides.</summary>
    public IReadOnlyList<SiteOverride> Overrides { get; init; } = [];

    /// <summary>The operators that this recipe quantizes, with their bits.</summary>
    /// <exception cref="BitisException">An override matches nothing in the scope.</exception>
    public IReadOnlyList<(Node Node, BitWidths Bits)> Select(Graph graph)
    {
        Node[] inScope = [.. graph.Nodes.Where(node => node.Block is not null && node.Operator is Linear)];
        foreach (SiteOverride entry in Overrides)
        {
            if (!inScope.Any(node => entry.Matches(node.Name)))
            {
                throw new BitisException(
                    $"The override '{entry.Pattern}' matches no operator in scope '{Scope.ToString().ToLowerInvariant()}'; "
                    + $"their names are like '{inScope[0].Name}' (bitis inspect --nodes lists them).");
            }
        }
        return [.. inScope.Select(node => (node, BitsOf(node))).Where(pair => pair.Item2 != BitWidths.None)];
    }

    /// <summary>Checks what the types cannot.</summary>
    /// <exception cref="BitisException">A value is out of its range.</exception>
    public void Validate()
    {
        QuantizationMethods.Create(this);
        if (!Enum.IsDefined(Scope))
            throw new BitisException($"There is no scope '{Scope}'.");
        if (ActivationGranularity is not (Granularity.PerTensor or Granularity.PerToken))
            throw new BitisException("Activations are quantized per tensor or per token; per channel is for weights.");
        if (!(Percentile is > 50 and <= 100))
            throw new BitisException($"A percentile of {Percentile} does not make a range: expected more than 50, at most 100.");
    }

    /// <summary>Records compare lists by reference; recipes compare by what they say.</summary>
    public bool Equals(Recipe? other) =>
        other is not null && Method == other.Method && Bits == other.Bits && Scope == other.Scope
        && ActivationGranularity == other.ActivationGranularity && Percentile.Equals(other.Percentile)
        && Overrides.SequenceEqual(other.Overrides);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Method, Bits, Scope, ActivationGranularity, Percentile, Overrides.Count);

    private BitWidths BitsOf(Node node) => Overrides.FirstOrDefault(entry => entry.Matches(node.Name))?.Bits ?? Bits;
}
