using System.Text.Json.Serialization;
using Bitis.Execution.Gradients;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Kernels.Hadamard;

namespace Bitis.Execution.LowBit;

/// <summary>
/// How the backward pass of linear and convolutional layers is computed: exactly or by a low-bit method.
/// </summary>
/// <remarks>
/// HLQ (Hadamard Low-rank Quantization) uses 4-bit operands after a Hadamard transform for the gradient of the input.
/// For the gradient of the weights, it uses 8-bit operands that are reduced along the tokens. The other methods serve
/// for comparison. The forward pass always computes in float32.
/// </remarks>
public sealed record BackwardPolicy
{
    // Below these sizes, transforming and rounding cost more than the integer products save (docs/hlq.md, "Shapes").
    // Rounding a value of ȳ saves one product for each input. Rounding a value of x saves one for each output. A
    // convolution saves its unfolding, too.
    private const int FewestInputs = 48, FewestOutputs = 32, FewestConvolutionChannels = 16, FewestTokens = 16;

    private const int BitsAtFullRank = 4;

    /// <summary>The method: one of <see cref="BackwardMethods.Names"/>.</summary>
    public string Method { get; init; } = "exact";

    /// <summary>
    /// Methods for single layers, by pattern; the first that matches a layer decides, whatever the layer's shape.
    /// </summary>
    /// <remarks>Layers that see the image itself, and convolutions of maps instead of tokens, stay exact.</remarks>
    [JsonInclude]
    internal IReadOnlyList<BackwardOverride> Overrides { get; init; } = [];

    /// <summary>Which values of ȳ share a scale, where the gradient of the input is computed with integers.</summary>
    [JsonInclude]
    internal GradientScale Scale { get; init; } = GradientScale.Token;

    /// <summary>The basis of the methods that reduce tokens.</summary>
    [JsonInclude]
    internal TokenBasis Basis { get; init; } = TokenBasis.Patch;

    /// <summary>The rank that keeps all coefficients: the number of tokens in a block.</summary>
    public const int FullRank = TokenHadamard.BlockRows;

    /// <summary>
    /// How many of 16 coefficients are kept: 4, 8, 12 or <see cref="FullRank"/>; null for the default.
    /// </summary>
    /// <remarks>
    /// Only for methods that reduce tokens. At full rank, integer products take the tokens as they are, with a scale
    /// for each channel. The default is full rank with <c>hlq</c>, because the reduction costs accuracy (docs/hlq.md,
    /// "Rank"). Else it is 8, as in the paper.
    /// </remarks>
    public int? Rank { get; init; }

    /// <summary>The bits of kept inputs, 4 or 8; null for the default.</summary>
    /// <remarks>
    /// The default depends on the method. For linear layers at full rank it is 4, which takes as many bytes as 8 bits
    /// at rank 8.
    /// </remarks>
    public int? ActivationBits { get; init; }

    /// <summary>The bits of both operands of the gradient of the input, 4 or 8; null for those of the method.</summary>
    /// <remarks>Operands of 8 bits are not transformed first.</remarks>
    [JsonInclude]
    internal int? GradientBits { get; init; }

    /// <summary>The exact backward pass.</summary>
    public static BackwardPolicy Exact { get; } = new();

    /// <summary>Checks that all values are in their ranges.</summary>
    /// <exception cref="BitisException">A value is out of its range; the message names it.</exception>
    public void Validate()
    {
        BackwardMethods.Find(Method);
        foreach (BackwardOverride entry in Overrides)
            BackwardMethods.Find(entry.Method);
        if (!Enum.IsDefined(Scale) || !Enum.IsDefined(Basis))
        {
            throw new BitisException(
                $"The backward policy's scale is {Scale} and its basis {Basis}; expected a scale of "
                + $"{string.Join(", ", Enum.GetNames<GradientScale>())} and a basis of "
                + $"{string.Join(", ", Enum.GetNames<TokenBasis>())}.");
        }

        if (Rank is not (null or 4 or 8 or 12 or FullRank))
            throw new BitisException($"The backward policy's rank is {Rank}; expected 4, 8, 12 or 16 (of 16 tokens).");
        if (ActivationBits is not (null or 4 or 8))
            throw new BitisException($"The backward policy's activationBits is {ActivationBits}; expected 4 or 8.");
        if (GradientBits is not (null or 4 or 8))
            throw new BitisException($"The backward policy's gradientBits is {GradientBits}; expected 4 or 8.");
    }

    /// <summary>
    /// Refuses values that no method of the policy uses. Checkpoints of older trainings may have such values.
    /// </summary>
    /// <exception cref="BitisException">A value is not used; the message names it.</exception>
    public void RequireUsed()
    {
        IEnumerable<string> named = Overrides.Select(entry => entry.Method).Prepend(Method).Distinct();
        BackwardMethod[] methods = [.. named.Select(BackwardMethods.Find)];
        bool reduces = methods.Any(method => method.Weight.LowRank || method.Input.LowRank);
        bool hasIntegerGradient = methods.Any(method => method.Input.IsInteger);
        bool hasGradientBits = methods.Any(method => method.Input.HasUniformLevels);
        bool keepsIntegers = methods.Any(method => method.Weight.IsInteger);
        Require(reduces || Rank is null, "rank", "reduces tokens");
        Require(reduces || Basis == TokenBasis.Patch, "basis", "reduces tokens");
        Require(hasIntegerGradient || Scale == GradientScale.Token, "scale", "has integers in the input's gradient");
        Require(keepsIntegers || ActivationBits is null, "activationBits", "keeps inputs as integers");
        Require(hasGradientBits || GradientBits is null, "gradientBits", "has uniform levels in the input's gradient");

        void Require(bool isUsed, string name, string use)
        {
            if (!isUsed)
            {
                string names = string.Join(", ", methods.Select(method => $"'{method.Name}'"));
                throw new BitisException(
                    $"The backward policy's {name} does nothing, since no method of it ({names}) {use}: leave it out.");
            }
        }
    }

    /// <summary>The method of the backward pass of each linear and convolutional layer, with its reason.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="frozen">The layers that do not learn; null if all learn.</param>
    /// <exception cref="BitisException">An override matches no layer.</exception>
    internal IReadOnlyList<LayerBackward> Select(Graph graph, FrozenLayers? frozen = null)
    {
        ArgumentNullException.ThrowIfNull(graph);
        Node[] layers = [.. graph.Nodes.Where(node => node.Operator.Product is not null)];
        foreach (BackwardOverride entry in Overrides)
        {
            if (!layers.Any(layer => entry.Matches(layer.Name)))
            {
                throw new BitisException(
                    $"The backward override '{entry.Pattern}' matches no linear or convolutional layer; their names "
                    + $"are like '{layers[0].Name}'.");
            }
        }
        return [.. layers.Select(layer => Select(layer, frozen))];
    }

    /// <summary>The method of a layer.</summary>
    internal BackwardMethod MethodOf(Node layer, FrozenLayers? frozen) =>
        Select(layer, frozen) is { Method: not LayerBackward.None } selected
            ? BackwardMethods.Find(selected.Method)
            : BackwardMethods.Find("exact");

    /// <summary>How many coefficients of 16 a method keeps of a layer's tokens.</summary>
    internal int RankOf(BackwardMethod method) => Rank ?? method.Rank;

    /// <summary>How a method computes the gradient of a layer's input.</summary>
    internal GradientArithmetic InputArithmetic(BackwardMethod method, bool isSummand)
    {
        if (!method.Input.HasUniformLevels)
            return method.Input;
        int bits = GradientBits ?? method.Input.Bits;
        bool helps = bits == 4 && !(isSummand && TakesTokensAsTheyAre(method));
        return method.Input with { Bits = bits, Hadamard = method.Input.Hadamard && helps };
    }

    /// <summary>The bits in which a method keeps a layer's input.</summary>
    internal int BitsOfInput(BackwardMethod method, Operator layer) =>
        ActivationBits
            ?? (layer.Product is { IsConvolution: false } && TakesTokensAsTheyAre(method)
                ? BitsAtFullRank : method.Weight.Bits);

    /// <summary>
    /// How a method cuts a layer's tokens into blocks: not at all at full rank, where integers need no transform.
    /// </summary>
    internal TokenBlocks BlocksOf(BackwardMethod method, GridLayout layout, int images)
    {
        bool transforms = (method.Weight.LowRank || method.Input.LowRank) && !TakesTokensAsTheyAre(method);
        return transforms
            ? TokenBlocks.For(layout, Basis, RankOf(method), images)
            : TokenBlocks.None(layout, images);
    }

    private bool TakesTokensAsTheyAre(BackwardMethod method) =>
        method.Weight is { LowRank: true, IsInteger: true } && RankOf(method) == FullRank;

    private LayerBackward Select(Node layer, FrozenLayers? frozen)
    {
        if (frozen?.IsDifferentiated(layer) == false)
            return new LayerBackward(layer.Name, LayerBackward.None, "frozen, as is all before it");
        if (layer.Inputs[0].IsInput)
        {
            return new LayerBackward(
                layer.Name, "exact", Method == "exact" ? null : "the image has no gradient, and is kept anyway");
        }

        if (layer.Operator.Product!.IsOfMaps)
        {
            return new LayerBackward(
                layer.Name, "exact",
                Method == "exact" ? null : "a convolution of maps; those of tokens have other forms");
        }

        if (Overrides.FirstOrDefault(entry => entry.Matches(layer.Name)) is { } chosen)
        {
            return new LayerBackward(
                layer.Name, chosen.Method, chosen.Method == Method ? null : $"override '{chosen.Pattern}'");
        }

        return Method != "exact" && TooSmall(layer) is { } reason
            ? new LayerBackward(layer.Name, "exact", reason)
            : new LayerBackward(layer.Name, Method, Reason: null);
    }

    /// <summary>Why a layer's products are too small to gain from integers; null if they are not.</summary>
    private static string? TooSmall(Node layer)
    {
        LayerProduct product = layer.Operator.Product!;
        (int tokens, int inputs, int outputs) = (
            (int)(layer.Shape.ElementCount / product.Outputs), product.Inputs, product.Outputs);
        (int fewestInputs, int fewestOutputs) = product.IsConvolution
            ? (FewestConvolutionChannels, FewestConvolutionChannels)
            : (FewestInputs, FewestOutputs);
        if (tokens < FewestTokens)
            return $"{DisplayText.Count(tokens, "token")}, fewer than {FewestTokens}";
        return inputs < fewestInputs || outputs < fewestOutputs
            ? $"{inputs} to {outputs} channels, fewer than {fewestInputs} to {fewestOutputs}"
            : null;
    }

    /// <summary>
    /// Compares the overrides by their contents. The equality of records would compare the lists by reference.
    /// </summary>
    public bool Equals(BackwardPolicy? other) =>
        other is not null && Method == other.Method && Scale == other.Scale && Basis == other.Basis
            && Rank == other.Rank
        && ActivationBits == other.ActivationBits && GradientBits == other.GradientBits
            && Overrides.SequenceEqual(other.Overrides);

    /// <inheritdoc />
    public override int GetHashCode() =>
        HashCode.Combine(Method, Scale, Basis, Rank, ActivationBits, GradientBits, Overrides.Count);
}
