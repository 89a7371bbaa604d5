using Bitis.Checkpoints;
using Bitis.Graphs;
using Bitis.Tensors;

namespace Bitis.Models.Detection;

/// <summary>A checkpoint compared with the model that was detected: what is missing, left over or assumed.</summary>
internal sealed class CheckpointMatch
{
    private readonly Checkpoint _checkpoint;
    private readonly string _name;
    private readonly CheckpointLayout _layout;
    private readonly StoredWeights _stored;
    private readonly IReadOnlyDictionary<string, CheckpointEntry> _entries;

    private CheckpointMatch(Checkpoint checkpoint, string name, ModelOptions options)
    {
        _checkpoint = checkpoint;
        _name = name;
        _entries = CheckpointNames.Current(checkpoint);
        _stored = new StoredWeights(checkpoint, _entries);
        Dictionary<string, Shape> found = _entries.ToDictionary(entry => entry.Key, entry => entry.Value.Shape);
        Detection = Detect(found, options);
        StoredGraph = Detection.StoredConfig.BuildGraph();
        Graph = Detection.Config == Detection.StoredConfig ? StoredGraph : Detection.Config.BuildGraph();
        _layout = new CheckpointLayout(
            Detection.StoredConfig, StoredGraph, VisionModelFile.IsNamedByGraph(checkpoint.Metadata));
        Missing = [.. _layout.Tensors.Keys.Where(tensor => !found.ContainsKey(tensor))];
        Misshaped =
        [
            .. from tensor in _layout.Tensors
               where found.ContainsKey(tensor.Key) && !_layout.Fits(tensor.Key, found[tensor.Key])
               select $"{tensor.Key}: {found[tensor.Key]}, expected {tensor.Value}",
        ];
        Unusable =
        [
            .. from tensor in _layout.Tensors.Keys
               let problem = found.ContainsKey(tensor) ? _stored.ProblemOf(tensor) : null
               where problem is not null
               select $"{tensor}: {problem}",
        ];
        LeftOver = FindLeftOver();
        Notices = [.. Describe(options)];
    }

    /// <summary>The detected model.</summary>
    public ModelDetection Detection { get; }

    /// <summary>The model as operators.</summary>
    public Graph Graph { get; }

    /// <summary>The graph of the stored weights, which may be for images of another size.</summary>
    internal Graph StoredGraph { get; }

    /// <summary>The tensors that the model needs and the checkpoint lacks.</summary>
    public IReadOnlyList<string> Missing { get; }

    /// <summary>The tensors whose shape differs from the model's: name, found and expected shape.</summary>
    public IReadOnlyList<string> Misshaped { get; }

    /// <summary>The tensors whose numbers cannot be used as weights: name and reason.</summary>
    public IReadOnlyList<string> Unusable { get; }

    /// <summary>The tensors that the model does not use.</summary>
    public IReadOnlyList<string> LeftOver { get; }

    /// <summary>What users should know: what was chosen, left over or assumed, one sentence each.</summary>
    public IReadOnlyList<string> Notices { get; }

    /// <summary>Compares a checkpoint with the model that its description or its tensors describe.</summary>
    /// <param name="checkpoint">The checkpoint; it must stay open for its weights to be read.</param>
    /// <param name="name">Its name in messages.</param>
    /// <param name="options">What the user specifies.</param>
    /// <exception cref="BitisException">The model is not supported, or the options contradict it.</exception>
    public static CheckpointMatch Of(Checkpoint checkpoint, string name, ModelOptions options)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(options);
        return new CheckpointMatch(checkpoint, name, options);
    }

    /// <summary>Reads the weights, as the graph's parameters.</summary>
    /// <exception cref="BitisException">
    /// A weight is missing, has another shape, is damaged, or is not finite.
    /// </exception>
    internal Dictionary<string, FloatTensor> ReadWeights(CancellationToken cancellationToken)
    {
        RequireAll();
        return _layout.Split(name =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            return _stored.Read(name);
        });
    }

    private ModelDetection Detect(Dictionary<string, Shape> found, ModelOptions options)
    {
        try
        {
            return ModelDetection.Detect(_name, found, _checkpoint.Metadata, options, _checkpoint.Unreadable);
        }
        catch (BitisException e) when (_checkpoint.WeightsKey.Length > 0)
        {
            throw new BitisException(
                $"{e.Message} (The tensors {Place(_checkpoint.WeightsKey)} were examined.)", e);
        }
    }

    private void RequireAll()
    {
        if (Missing.Count > 0)
        {
            if (_checkpoint.Unreadable.TryGetValue(Missing[0], out string? reason))
                throw BitisException.InFile(_name, $"tensor '{Missing[0]}' cannot be read: {reason}.");
            string more = Missing.Count > 1 ? $" and {Missing.Count - 1} more" : "";
            throw BitisException.InFile(
                _name,
                $"tensor '{Missing[0]}'{more} is missing. Is the file complete? "
                + "(bitis inspect lists what is missing and left over.)");
        }
        foreach ((string name, Shape shape) in _layout.Tensors)
        {
            if (!_layout.Fits(name, _entries[name].Shape))
            {
                throw BitisException.InFile(
                    _name, $"tensor '{name}' has shape {_entries[name].Shape}; the rest of the file needs {shape}.");
            }
        }
    }

    private List<string> FindLeftOver()
    {
        HashSet<string> used = [.. _layout.Tensors.Keys];
        used.UnionWith(_layout.Tensors.Keys.Where(_entries.ContainsKey).Select(_stored.ScaleOf).OfType<string>());
        return
        [
            .. _entries.Keys.Concat(_checkpoint.LeftOut)
                .Where(name => !used.Contains(name) && !Detection.StoredConfig.IsComputed(name)),
        ];
    }

    private IEnumerable<string> Describe(ModelOptions options)
    {
        string[] others = [.. _checkpoint.WeightsKeys.Where(key => key != _checkpoint.WeightsKey)];
        if (options.WeightsKey is null && others.Length > 0)
        {
            yield return $"{_name}: the weights {Place(_checkpoint.WeightsKey)} are used; there are others "
                + $"{NameList.Shorten(others.Select(Place))} (--weights-key).";
        }
        if (LeftOver.Count > 0)
            yield return $"{_name}: not used: {NameList.Group(LeftOver)}.";
        if (Detection.Assumptions.Count > 0)
            yield return $"{_name}: assumed: {string.Join("; ", Detection.Assumptions)}.";
    }

    private static string Place(string key) => key.Length == 0 ? "at the top level" : $"under '{key}'";
}
