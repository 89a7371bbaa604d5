using Bitis.Graphs;

namespace Bitis.Analysis.Search;

/// <summary>All mixtures that a search chooses from: the blocks of a model, and what each may get.</summary>
internal sealed class SearchSpace
{
    /// <summary>The fewest bits that a recipe without overrides gives to the first and the last layer.</summary>
    private const int EdgeBits = 8;

    private readonly IReadOnlyDictionary<string, int>[] _indices;

    /// <summary>Combines bits with scopes, for each block.</summary>
    /// <param name="graph">The model's graph, with batch norms folded.</param>
    /// <param name="bits">The bits to choose from.</param>
    /// <param name="scopes">The scopes to choose from.</param>
    /// <exception cref="BitisException">The model has nothing to quantize in these scopes.</exception>
    public SearchSpace(Graph graph, IReadOnlyList<BitWidths> bits, IReadOnlyList<Scope> scopes)
    {
        (Graph, Bits, Scopes) = (graph, bits, scopes);
        Uniform = [.. scopes.SelectMany(scope => bits.Select(each => new BlockChoice(each, scope)))];
        SearchBlock[] blocks = [.. SearchBlock.Of(graph)];
        IReadOnlyList<BlockChoice>[] choices = [.. blocks.Select(ChoicesOf)];
        Blocks = [.. blocks.Where((_, b) => choices[b].Count > 1)];
        Choices = [.. choices.Where(list => list.Count > 1)];
        if (Blocks.Count == 0)
            throw new BitisException("The model has no layer or scan in these scopes, so there is nothing to choose.");
        _indices = [.. Blocks.Select((block, b) =>
            Choices[b].Index().ToDictionary(entry => block.Signature(entry.Item), entry => entry.Index))];
    }

    /// <summary>The model's graph.</summary>
    public Graph Graph { get; }

    /// <summary>The bits to choose from.</summary>
    public IReadOnlyList<BitWidths> Bits { get; }

    /// <summary>The scopes to choose from.</summary>
    public IReadOnlyList<Scope> Scopes { get; }

    /// <summary>Bits and scope of each recipe without overrides.</summary>
    public IReadOnlyList<BlockChoice> Uniform { get; }

    /// <summary>The blocks that have a choice.</summary>
    public IReadOnlyList<SearchBlock> Blocks { get; }

    /// <summary>What each block may get; float32 is the first. No two have the same effect.</summary>
    public IReadOnlyList<IReadOnlyList<BlockChoice>> Choices { get; }

    /// <summary>The choices of all blocks that differ by name, float32 first.</summary>
    public IReadOnlyList<BlockChoice> Candidates =>
        [BlockChoice.Float, .. Uniform, .. Choices.SelectMany(list => list).Except([BlockChoice.Float, .. Uniform])];

    /// <summary>The index of a block's choice that has the effect of another; 0, float32, if there is none.</summary>
    public int IndexOf(int block, BlockChoice choice) =>
        _indices[block].GetValueOrDefault(Blocks[block].Signature(choice));

    /// <summary>The mixture that a recipe without overrides makes.</summary>
    public int[] UniformMixture(BlockChoice choice) =>
        [.. Blocks.Select((block, b) => IndexOf(b, block.HasEdge ? AtEdge(choice) : choice))];

    /// <summary>The mixture with one block as given, and all others in float32.</summary>
    public int[] Alone(int block, int choice)
    {
        int[] mixture = new int[Blocks.Count];
        mixture[block] = choice;
        return mixture;
    }

    private List<BlockChoice> ChoicesOf(SearchBlock block)
    {
        IEnumerable<BlockChoice> all = block.HasEdge ? Uniform.Concat(Uniform.Select(AtEdge)) : Uniform;
        return [.. all.Prepend(BlockChoice.Float).DistinctBy(block.Signature)];
    }

    private static BlockChoice AtEdge(BlockChoice choice) => choice with
    {
        Bits = new BitWidths(
            Math.Max(choice.Bits.Weights, EdgeBits), Math.Max(choice.Bits.Activations, EdgeBits)),
    };
}
