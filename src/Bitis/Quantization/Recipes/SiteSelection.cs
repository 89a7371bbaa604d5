using Bitis.Graphs;
using Bitis.Quantization.Quantizers;

namespace Bitis.Quantization.Recipes;

/// <summary>What a recipe quantizes of a graph: layers and scans with their bits.</summary>
internal sealed class SiteSelection
{
    /// <summary>The fewest bits of the first and the last layer, unless an override gives fewer.</summary>
    private const int EdgeBits = 8;

    private readonly Recipe _recipe;
    private readonly Graph _graph;

    /// <summary>Selects the sites.</summary>
    /// <exception cref="BitisException">
    /// There is nothing to quantize, an override matches nothing, or a member of the recipe has no effect.
    /// </exception>
    public SiteSelection(Recipe recipe, Graph graph)
    {
        (_recipe, _graph) = (recipe, graph);
        Layers =
        [
            .. graph.Nodes.Where(node => IsLayerOf(node, ScopeOf(node))).Select(node => (node, BitsOf(node)))
                .Where(pair => pair.Item2 != BitWidths.None),
        ];
        Scans =
        [
            .. graph.Nodes.Where(node => node.Operator.ScanSize is not null && CoversScans(ScopeOf(node)))
                .Select(node => (node, (OverrideOf(node)?.Bits ?? recipe.Bits).Activations))
                .Where(pair => pair.Activations != BitWidths.Float),
        ];
        IdleMembers.Refuse(recipe, [.. Scans.Select(pair => pair.Node)], graph);
        RequireSites();
    }

    /// <summary>The layers, with their bits.</summary>
    public IReadOnlyList<(Node Node, BitWidths Bits)> Layers { get; }

    /// <summary>The scans, with the bits of their sites.</summary>
    public IReadOnlyList<(Node Node, int Bits)> Scans { get; }

    /// <summary>The layers and scans that would be quantized without the overrides, and are not.</summary>
    public IReadOnlyList<string> LeftAlone
    {
        get
        {
            if (_recipe.Overrides.Count == 0)
                return [];
            HashSet<Node> taken = [.. Layers.Select(pair => pair.Node), .. Scans.Select(pair => pair.Node)];
            return
            [
                .. _graph.Nodes
                    .Where(node => IsInRecipe(node) && OverrideOf(node) is not null && !taken.Contains(node))
                    .Select(node => node.Name),
            ];
        }
    }

    /// <summary>Whether a scope quantizes the insides of scans.</summary>
    public static bool CoversScans(Scope scope) => scope is Scope.Ssm or Scope.Full;

    private SiteOverride? OverrideOf(Node node) =>
        _recipe.Overrides.FirstOrDefault(entry => entry.Matches(node.Name));

    private Scope ScopeOf(Node node) => OverrideOf(node)?.Scope ?? _recipe.Scope;

    private bool IsLayerOf(Node node, Scope scope) => scope == Scope.Full
        ? QuantizedLayer.Covers(node.Operator)
        : _graph.IsInBlock(node) && node.IsLinear;

    /// <summary>Whether the recipe quantizes a node where no override says otherwise.</summary>
    private bool IsInRecipe(Node node) => node.Operator.ScanSize is null
        ? IsLayerOf(node, _recipe.Scope)
        : CoversScans(_recipe.Scope) && _recipe.Bits.Activations != BitWidths.Float;

    private BitWidths BitsOf(Node node)
    {
        if (OverrideOf(node)?.Bits is { } given)
            return given;
        BitWidths bits = _recipe.Bits;
        bool isFirstOrLast = node == _graph.Output || node.Inputs[0] == _graph.Input;
        return isFirstOrLast
            ? new BitWidths(Math.Max(bits.Weights, EdgeBits), Math.Max(bits.Activations, EdgeBits))
            : bits;
    }

    private void RequireSites()
    {
        string scope = _recipe.Scope.ToString().ToLowerInvariant();
        Node[] layers = [.. _graph.Nodes.Where(node => IsLayerOf(node, _recipe.Scope))];
        Node[] scans = [.. _graph.Nodes.Where(node => node.Operator.ScanSize is not null && IsInRecipe(node))];
        if (layers.Length == 0 && Layers.Count == 0 && (_recipe.Overrides.Count > 0 || scans.Length == 0)
            && Scans.Count == 0)
        {
            bool hasScans = scans.Length > 0;
            throw new BitisException(_recipe.Scope == Scope.Full
                ? "The model has no layer that scope 'full' quantizes"
                    + $"{(hasScans ? ", so no override matches one" : "")}."
                : $"The model has no linear layer in a block, so there is none in scope '{scope}'"
                    + (hasScans ? ", and no override matches one." : "; scope 'full' takes all layers."));
        }
        foreach (SiteOverride entry in _recipe.Overrides)
        {
            if (!_graph.Nodes.Any(node => entry.Matches(node.Name) && IsReached(node, entry)))
            {
                // Another override may be all that takes layers.
                Node[] known =
                [
                    .. layers, .. scans, .. Layers.Select(pair => pair.Node), .. Scans.Select(pair => pair.Node),
                ];
                throw new BitisException(
                    $"The override '{entry.Pattern}' matches no operator in scope '{scope}'; "
                    + $"their names are like '{known[0].Name}' (bitis inspect --nodes lists them).");
            }
        }
    }

    /// <summary>Whether an override can change a node: in the recipe's scope, or in its own.</summary>
    private bool IsReached(Node node, SiteOverride entry) => IsInRecipe(node)
        || (entry.Scope is { } scope && (node.Operator.ScanSize is null
            ? IsLayerOf(node, scope)
            : CoversScans(scope)))
        || (node.Operator.ScanSize is not null && CoversScans(_recipe.Scope)
            && entry.Bits is { Activations: not BitWidths.Float });
}
