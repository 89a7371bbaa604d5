using Bitis.Tensors;

namespace Bitis.Models.Families;

/// <summary>
/// The names and shapes of a checkpoint's tensors and its metadata, from which a family reads the architecture.
/// </summary>
public sealed class CheckpointTensors
{
    private readonly List<string> _assumptions = [];
    private readonly IReadOnlyDictionary<string, string> _unreadable;

    internal CheckpointTensors(
        string file,
        IReadOnlyDictionary<string, Shape> shapes,
        IReadOnlyDictionary<string, string> metadata,
        ModelOptions options,
        IReadOnlyDictionary<string, string> unreadable)
    {
        _unreadable = unreadable;
        File = file;
        Shapes = shapes;
        Metadata = metadata;
        Options = options;
    }

    /// <summary>The checkpoint's name, for messages.</summary>
    public string File { get; }

    /// <summary>The tensors: name and shape.</summary>
    public IReadOnlyDictionary<string, Shape> Shapes { get; }

    /// <summary>Metadata as text, such as the training run's arguments (<c>args.model</c>).</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>What the user specifies.</summary>
    public ModelOptions Options { get; }

    /// <summary>What was assumed so far, one sentence each.</summary>
    internal IReadOnlyList<string> Assumptions => _assumptions;

    /// <summary>The shape of a tensor that must exist, with an allowed number of dimensions.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="ranks">The allowed numbers of dimensions.</param>
    /// <exception cref="BitisException">The tensor is missing, or has another number of dimensions.</exception>
    public Shape Require(string name, params ReadOnlySpan<int> ranks)
    {
        if (!Shapes.TryGetValue(name, out Shape shape))
        {
            throw UnreadableRefusal(name)
                ?? Refusal($"tensor '{name}' is missing; a model of this family has it. Is the file complete?");
        }
        if (!ranks.Contains(shape.Rank) || shape.ElementCount == 0)
        {
            string expected = string.Join(" or ", ranks.ToArray());
            throw Refusal($"tensor '{name}' has shape {shape}; expected {expected} dimensions, none of them 0.");
        }
        return shape;
    }

    /// <summary>Whether the checkpoint has an optional tensor.</summary>
    /// <param name="name">The tensor.</param>
    /// <exception cref="BitisException">There is an entry of this name, but it cannot be read as a tensor.</exception>
    public bool Has(string name) =>
        Shapes.ContainsKey(name) || (UnreadableRefusal(name) is { } refusal ? throw refusal : false);

    /// <summary>The number of tensors whose names differ only in an index, counted from 0.</summary>
    /// <param name="name">Gives the name for an index.</param>
    /// <exception cref="BitisException">One of them cannot be read as a tensor.</exception>
    public int Count(Func<int, string> name)
    {
        ArgumentNullException.ThrowIfNull(name);
        int count = 0;
        while (Has(name(count)))
            count++;
        return count;
    }

    /// <summary>
    /// The side of a square grid of patches, from its position embedding <c>[1, tokens, channels]</c>.
    /// </summary>
    /// <param name="positions">The embedding.</param>
    /// <param name="hasClassToken">Whether one of the positions is that of a class token.</param>
    /// <exception cref="BitisException">The number of patches is not a square.</exception>
    public int GridSide(string positions, bool hasClassToken)
    {
        int tokens = Require(positions, 3)[1];
        int patches = tokens - (hasClassToken ? 1 : 0);
        int side = (int)Math.Round(Math.Sqrt(patches));
        return side * side == patches && side > 0
            ? side
            : throw Refusal($"'{positions}' has {tokens} positions; {patches} patches do not make a square image.");
    }

    /// <summary>Returns an assumed value, and reports the assumption to the user.</summary>
    /// <param name="value">The value.</param>
    /// <param name="assumption">
    /// The sentence that users read, without a full stop, with the option that changes the value.
    /// </param>
    public T Assume<T>(T value, string assumption)
    {
        _assumptions.Add(assumption);
        return value;
    }

    /// <summary>The error if an entry of this name cannot be read as a tensor; null otherwise.</summary>
    internal BitisException? UnreadableRefusal(string name) => _unreadable.TryGetValue(name, out string? reason)
        ? Refusal($"tensor '{name}' cannot be read: {reason}.")
        : null;

    /// <summary>A sentence about entries that cannot be read as tensors; empty if there are none.</summary>
    internal string UnreadableNote => _unreadable.Count == 0
        ? ""
        : " What cannot be read: "
            + string.Join("; ", _unreadable.Take(3).Select(item => $"'{item.Key}' ({item.Value})")) + ".";

    /// <summary>An error about the checkpoint.</summary>
    /// <param name="problem">What is wrong, what was expected, and what to do.</param>
    public BitisException Refusal(string problem) => BitisException.InFile(File, problem);
}
