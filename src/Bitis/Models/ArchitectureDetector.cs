using Bitis.Tensors;

namespace Bitis.Models;

/// <summary>Reads an architecture off the names and shapes of a checkpoint's tensors; each family says which.</summary>
/// <param name="file">The checkpoint's name, for messages.</param>
/// <param name="shapes">The tensors: name and shape.</param>
/// <param name="options">What the user knows better.</param>
/// <param name="family">The family's name, for messages.</param>
internal abstract class ArchitectureDetector(string file, IReadOnlyDictionary<string, Shape> shapes, ModelOptions options, string family)
{
    private readonly List<string> _assumptions = [];

    /// <summary>The checkpoint's name.</summary>
    protected string File => file;

    /// <summary>The tensors: name and shape.</summary>
    protected IReadOnlyDictionary<string, Shape> Shapes => shapes;

    /// <summary>What the user knows better.</summary>
    protected ModelOptions Options => options;

    /// <summary>The architecture, and what had to be assumed.</summary>
    /// <exception cref="BitisException">The tensors do not describe a model of the family that Bitis runs.</exception>
    public ModelDetection Detect() => ModelDetection.FromTensors(file, Read(), _assumptions);

    /// <summary>The architecture.</summary>
    protected abstract ModelConfig Read();

    /// <summary>The shape of a tensor that must be there, with one of some numbers of dimensions.</summary>
    protected Shape Require(string name, params ReadOnlySpan<int> ranks)
    {
        if (!shapes.TryGetValue(name, out Shape shape))
            throw BitisException.InFile(file, $"tensor '{name}' is missing; a {family} checkpoint has it. Is the file complete?");
        if (!ranks.Contains(shape.Rank) || shape.ElementCount == 0)
        {
            string expected = string.Join(" or ", ranks.ToArray());
            throw BitisException.InFile(file, $"tensor '{name}' has shape {shape}; expected {expected} dimensions, none of them 0.");
        }
        return shape;
    }

    /// <summary>How many tensors there are whose names differ by a number, counted from 0.</summary>
    protected int Count(Func<int, string> name)
    {
        int count = 0;
        while (shapes.ContainsKey(name(count)))
            count++;
        return count;
    }

    /// <summary>The side of the grid of patches, from the number of positions.</summary>
    protected int GridSize(bool hasClassToken)
    {
        int tokens = Require("pos_embed", 3)[1];
        int patches = tokens - (hasClassToken ? 1 : 0);
        int grid = (int)Math.Round(Math.Sqrt(patches));
        return grid * grid == patches && grid > 0
            ? grid
            : throw BitisException.InFile(file, $"'pos_embed' has {tokens} positions; {patches} patches do not make a square image.");
    }

    /// <summary>The scan directions of each block: what the user says, or those of a published model of the same shape.</summary>
    /// <param name="blocks">How many blocks the model has.</param>
    /// <param name="published">The directions of a published variant, null for one of another shape.</param>
    protected IReadOnlyList<string> Directions(int blocks, Func<ModelConfig, IReadOnlyList<string>?> published)
    {
        try
        {
            if (options.Directions is { } chosen)
                return ScanDirection.ParseAll(chosen, blocks);
        }
        catch (BitisException e)
        {
            throw BitisException.InFile(file, $"--directions: {e.Message}");
        }
        foreach (ModelVariant variant in ModelCatalogue.Variants)
        {
            if (published(variant.Config) is { } directions)
                return Assume(directions, $"blocks scan in the directions of {variant.Name} (--directions)");
        }
        throw BitisException.InFile(file, $"the weights of a {family} do not tell its scan directions, and no published one has this shape. "
            + $"Name them for each of its {blocks} blocks, or once for all, with --directions (h,v_flip,w7,w7_flip/h,h_flip,v,w2/...).");
    }

    /// <summary>Takes a value that is not in the file, and says so.</summary>
    protected T Assume<T>(T value, string assumption)
    {
        _assumptions.Add(assumption);
        return value;
    }
}
