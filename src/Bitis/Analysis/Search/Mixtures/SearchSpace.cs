using Bitis.Graphs;

namespace Bitis.Analysis.Search.Mixtures;

/// <summary>All mixtures that a search chooses from: the parts of a model, and what each may get.</summary>
internal sealed class SearchSpace
{
    /// <summary>The fewest bits that a recipe without overrides gives to the first and the last layer.</summary>
    private const int EdgeBits = 8;

    private readonly IReadOnlyDictionary<string, int>[] _indices;

    /// <summary>Combines bits with scopes, for each part.</summary>
    /// <param name="graph">The model's graph, with batch norms folded.</param>
    /// <param name="bits">The bits to choose from.</param>
    /// <param name="scopes">The scopes to choose from.</param>
    /// <exception cref="BitisException">The model has nothing to quantize in these scopes.</exception>
    public SearchSpace(Graph graph, IReadOnlyList<BitWidths> bits, IReadOnlyList<Scope> scopes)
    {
        (Graph, Bits, Scopes) = (graph, bits, scopes);
        Uniform = [.. scopes.SelectMany(scope => bits.Select(each => new PartChoice(each, scope)))];
        SearchPart[] parts = [.. SearchPart.Of(graph)];
        IReadOnlyList<PartChoice>[] choices = [.. parts.Select(ChoicesOf)];
        Parts = [.. parts.Where((_, p) => choices[p].Count > 1)];
        Choices = [.. choices.Where(list => list.Count > 1)];
        if (Parts.Count == 0)
            throw new BitisException("The model has no layer or scan in these scopes, so there is nothing to choose.");
        _indices = [.. Parts.Select((part, p) =>
            Choices[p].Index().ToDictionary(entry => part.Signature(entry.Item), entry => entry.Index))];
    }

    /// <summary>The model's graph.</summary>
    public Graph Graph { get; }

    /// <summary>The bits to choose from.</summary>
    public IReadOnlyList<BitWidths> Bits { get; }

    /// <summary>The scopes to choose from.</summary>
    public IReadOnlyList<Scope> Scopes { get; }

    /// <summary>Bits and scope of each recipe without overrides.</summary>
    public IReadOnlyList<PartChoice> Uniform { get; }

    /// <summary>The parts that have a choice.</summary>
    public IReadOnlyList<SearchPart> Parts { get; }

    /// <summary>What each part may get; float32 is the first. No two have the same effect.</summary>
    public IReadOnlyList<IReadOnlyList<PartChoice>> Choices { get; }

    /// <summary>The mixtures that are timed, each with the one it is compared with; float32 is the first.</summary>
    /// <remarks>
    /// Parts of one kind have one choice. Linear layers are compared with float32. All other parts are compared beside
    /// quantized linear layers, since what follows a layer or scan is computed with it.
    /// </remarks>
    public IReadOnlyList<TimedMixture> Timed
    {
        get
        {
            int[] nothing = new int[Parts.Count];
            int[] linear = [.. Parts.Select(part => part.Kind == PartKind.Linear ? 1 : 0)];
            var timed = new List<TimedMixture> { new(nothing, nothing, null) };
            foreach (PartKind kind in Enum.GetValues<PartKind>())
            {
                int[] beside = kind == PartKind.Linear ? nothing : linear;
                int most = Parts.Index().Where(entry => entry.Item.Kind == kind)
                    .Select(entry => Choices[entry.Index].Count - 1).DefaultIfEmpty().Max();
                for (int choice = 1; choice <= most; choice++)
                {
                    int[] mixture =
                    [
                        .. Parts.Select((part, p) => part.Kind == kind
                            ? Math.Min(choice, Choices[p].Count - 1)
                            : beside[p]),
                    ];
                    timed.Add(new TimedMixture(mixture, beside, kind));
                }
            }
            return timed;
        }
    }

    /// <summary>The index of a part's choice that has the effect of another; 0, float32, if there is none.</summary>
    public int IndexOf(int part, PartChoice choice) =>
        _indices[part].GetValueOrDefault(Parts[part].Signature(choice));

    /// <summary>The mixture that a recipe without overrides makes.</summary>
    public int[] UniformMixture(PartChoice choice) =>
        [.. Parts.Select((part, p) => IndexOf(p, part.HasEdge ? AtEdge(choice) : choice))];

    /// <summary>The mixture with one part as given, and all others in float32.</summary>
    public int[] Alone(int part, int choice)
    {
        int[] mixture = new int[Parts.Count];
        mixture[part] = choice;
        return mixture;
    }

    private List<PartChoice> ChoicesOf(SearchPart part)
    {
        IEnumerable<PartChoice> all = part.HasEdge ? Uniform.Concat(Uniform.Select(AtEdge)) : Uniform;
        return [.. all.Prepend(PartChoice.Float).DistinctBy(part.Signature)];
    }

    private static PartChoice AtEdge(PartChoice choice) => choice with
    {
        Bits = new BitWidths(
            Math.Max(choice.Bits.Weights, EdgeBits), Math.Max(choice.Bits.Activations, EdgeBits)),
    };
}
